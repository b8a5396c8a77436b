// SPDX-License-Identifier: Apache-2.0
// GRU against torch.nn.GRU: layers x directions x lengths.
#include "heed/nn/gru.hpp"

#include "parity/compare.hpp"

namespace HEED_TEST_UNIT {

template <class Scalar>
void compare(const std::string& name) {
  INFO(name);
  parity::Case<Scalar> c(name);
  heed::nn::GRU<Scalar> gru(c.template recurrent<heed::nn::GruOptions>());
  c.load(gru);
  const auto x = c.input("x"), h0 = c.input("h0");
  const auto result = gru(x, parity::segments(c.fixture.integers("in.offsets")), h0);
  c.output("output", result.output);
  c.output("h_n", result.h_n);
  c.backward();
}

TEMPLATE_TEST_CASE("GRU agrees with PyTorch", "", float, double) {
  for (const char* layers : {"1", "2"}) {
    for (const char* directions : {"", "_bidirectional"}) {
      for (const char* lengths : {"_full", "_ragged"}) {
        compare<TestType>(std::string("gru_layers") + layers + directions + lengths);
      }
    }
  }
}

}  // namespace HEED_TEST_UNIT
