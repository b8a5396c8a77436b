// SPDX-License-Identifier: Apache-2.0
// OpenBLAS' product, on one thread.
#include <cblas.h>

#include "peer.hpp"

int main(int argc, char** argv) {
  openblas_set_num_threads(1);
  std::string version = openblas_get_config();  // "OpenBLAS 0.3.21 DYNAMIC_ARCH ..."
  version = version.substr(0, version.find(' ', version.find(' ') + 1));
  const std::string title = version + " (" + openblas_get_corename() + ")";
  return peer::main(argc, argv, title, [](const peer::Product& p, const float* a, const float* b, float* c) {
    return [=] {
      cblas_sgemm(CblasRowMajor, p.transposed ? CblasTrans : CblasNoTrans, CblasNoTrans, p.m, p.n, p.k, 1, a,
                  p.transposed ? p.m : p.k, b, p.n, 0, c, p.n);
    };
  });
}
