// SPDX-License-Identifier: Apache-2.0
// LSTM against torch.nn.LSTM: layers x directions x projection x lengths.
#include "heed/nn/lstm.hpp"

#include "parity/compare.hpp"

namespace HEED_TEST_UNIT {

template <class Scalar>
void compare(const std::string& name) {
  INFO(name);
  parity::Case<Scalar> c(name);
  auto options = c.template recurrent<heed::nn::LstmOptions>();
  options.proj_size = c.integer("proj_size");
  heed::nn::LSTM<Scalar> lstm(options);
  c.load(lstm);
  const auto x = c.input("x"), h0 = c.input("h0"), c0 = c.input("c0");
  const auto result = lstm(x, parity::segments(c.fixture.integers("in.offsets")), {h0, c0});
  c.output("output", result.output);
  c.output("h_n", result.h_n);
  c.output("c_n", result.c_n);
  c.backward();
}

TEMPLATE_TEST_CASE("LSTM agrees with PyTorch", "", float, double) {
  for (const char* layers : {"1", "2"}) {
    for (const char* directions : {"", "_bidirectional"}) {
      for (const char* projection : {"", "_projection"}) {
        for (const char* lengths : {"_full", "_ragged"}) {
          compare<TestType>(std::string("lstm_layers") + layers + directions + projection + lengths);
        }
      }
    }
  }
}

}  // namespace HEED_TEST_UNIT
