// SPDX-License-Identifier: Apache-2.0
// The unit of compile cost: Eigen/Core with one product.
#include <Eigen/Core>

int main() {
  const Eigen::MatrixXf a = Eigen::MatrixXf::Random(8, 8);
  const Eigen::MatrixXf b = a * a;
  return b(0, 0) > 100.0f;
}
