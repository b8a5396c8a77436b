// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/reshape.hpp"

#include "heed/ops/scale.hpp"
#include "ops/samples.hpp"

namespace heed::test {

const SamplesOf reshape_op("reshape", []() -> OpSamples {
  const auto one = [](const char* label, const Shape& from, const Shape& to) {
    return sample(
        label, {normal(from)}, [to](auto&, auto x) { return reshape(x[0], to); },
        [to](std::span<const Tensor<double>> x) { return x[0].reshaped(to); });
  };
  OpSamples out;
  out.good = {one("rows of another length", {3, 4}, {2, 6}),
              one("rows of the same length", {2, 3, 4}, {6, 4}),
              one("to a vector", {3, 4}, {12}),
              one("from a vector", {12}, {3, 4}),
              one("a scalar", {}, {1, 1}),
              one("to a scalar", {1}, {}),
              one("nothing", {0, 3}, {5, 0})};
  out.bad = {bad_call(
      "another size", {{3, 4}},
      [](auto x) {
        reshape(x[0], {5, 2});
      },
      "reshape: [3, 4] does not have the size of [5, 2]")};
  return out;
});

}  // namespace heed::test

TEST_CASE("reshape copies only if the row length of a slice changes") {
  using namespace heed;
  Tape<float> tape;
  const auto x = tape.constant(Tensor<float>({4, 6}));
  CHECK(reshape(x, {8, 3}).value().data() == x.value().data());
  const auto part = tape.alias(x, x.value().columns(1, 4));
  CHECK(reshape(part, {2, 2, 3}).value().data() == part.value().data());
  CHECK(reshape(part, {3, 4}).value().data() != part.value().data());
  CHECK(scale(reshape(part, {3, 4}), 2).shape() == Shape{3, 4});
}
