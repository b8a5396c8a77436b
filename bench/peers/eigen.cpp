// SPDX-License-Identifier: Apache-2.0
// Eigen's product.
#include <Eigen/Core>

#include "peer.hpp"

int main(int argc, char** argv) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const std::string version = std::to_string(EIGEN_WORLD_VERSION) + '.' + std::to_string(EIGEN_MAJOR_VERSION) + '.' +
                              std::to_string(EIGEN_MINOR_VERSION);
  return peer::main(
      argc, argv, "Eigen " + version, [](const peer::Product& p, const float* a, const float* b, float* c) {
        return [=] {
          const Eigen::Map<const Matrix> A(a, p.transposed ? p.k : p.m, p.transposed ? p.m : p.k), B(b, p.k, p.n);
          Eigen::Map<Matrix> C(c, p.m, p.n);
          if (p.transposed) {
            C.noalias() = A.transpose() * B;
          } else {
            C.noalias() = A * B;
          }
        };
      });
}
