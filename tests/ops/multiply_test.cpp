// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/multiply.hpp"

#include "ops/broadcast_samples.hpp"

namespace heed::test {

const SamplesOf multiply_op("multiply", []() -> OpSamples {
  return broadcast_samples("multiply", kernels::Arithmetic::multiply, [](auto a, auto b) { return multiply(a, b); });
});

}  // namespace heed::test

TEST_CASE("a value times itself has the gradient of its square") {
  using namespace heed;
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>::of({3, -2}));
  const auto y = multiply(x, x);
  // d(y0 + y1)
  backward(multiply(tape.constant(1.0), Var<double>(record(tape, {y}, tape.zeros({}), [=](const Gradients<double>& g) {
                      g(y)[0] += 1;
                      g(y)[1] += 1;
                    }))));
  CHECK(x.gradient()[0] == 6);
  CHECK(x.gradient()[1] == -4);
}
