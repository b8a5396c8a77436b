// SPDX-License-Identifier: Apache-2.0
// What each of the four consumers builds: a product, its gradient, and an exit status that says whether both are right.
#include <heed/heed.hpp>

int main() {
  heed::Tape<float> tape;
  const auto x = tape.variable(heed::Tensor<float>::of({1, 2}));
  const auto w = tape.constant(heed::Tensor<float>::full({2, 1}, 3));
  const auto y = heed::matmul(x, w);
  heed::backward(y);
  const bool right = y.item() == 9 && x.gradient()[0] == 3 && x.gradient()[1] == 3;
  return right ? 0 : 1;
}
