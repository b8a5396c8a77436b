// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/gather.hpp"

#include "heed/kernels/reference/embedding.hpp"
#include "ops/samples.hpp"

namespace heed::test {

const SamplesOf gather_op("gather", []() -> OpSamples {
  const auto one = [](const char* label, const Shape& shape, std::vector<Index> indices) {
    return sample(
        label, {normal(shape)}, [indices](auto&, auto x) { return gather(x[0], indices); },
        [indices](std::span<const Tensor<double>> x) {
          const Shape& from = x[0].shape();
          Tensor<double> y(detail::with_size(from, 0, static_cast<Index>(indices.size())));
          const Index width = detail::without(from, 0).size();
          kernels::reference::embedding({x[0].data(), {from[0], width}}, indices.data(),
                                        {y.data(), {y.shape()[0], width}});
          return y;
        });
  };
  std::vector<Index> many(300);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = Random(1).below(i, 8) - 1;
  OpSamples out;
  out.good = {one("rows, some twice", {4, 3}, {2, 0, 2, 3, 2}),
              one("zero rows", {4, 3}, {-1, 1, -1}),
              one("none", {4, 3}, {}),
              one("of a vector", {5}, {4, 4, -1, 0}),
              one("of planes", {3, 2, 4}, {1, 1, 0}),
              one("one column", {5, 1}, {3, 3, 3}),
              one("of an empty table", {0, 3}, {-1, -1}),
              one("several chunks", {7, 37}, many)};
  out.bad = {bad_call(
                 "too large", {{4, 3}},
                 [](auto x) {
                   gather(x[0], {0, 1, 4});
                 },
                 "gather: index 4 at position 2 is outside of -1 .. 3"),
             bad_call(
                 "negative", {{4, 3}},
                 [](auto x) {
                   gather(x[0], {0, -2});
                 },
                 "gather: index -2 at position 1 is outside of -1 .. 3"),
             bad_call(
                 "an empty table", {{0, 3}}, [](auto x) { gather(x[0], {0}); },
                 "gather: index 0 at position 0 is outside of -1 .. -1"),
             bad_call(
                 "a scalar", {{}}, [](auto x) { gather(x[0], {0}); }, "gather: a scalar has no rows")};
  return out;
});

}  // namespace heed::test

TEST_CASE("gather copies the indices, which may change before the backward pass") {
  using namespace heed;
  Tape<double> tape;
  std::vector<Index> indices = {1};
  const auto x = tape.variable(Tensor<double>({2, 1}));
  const auto y = gather(x, indices);
  indices[0] = 0;
  backward(y);
  CHECK(x.gradient()[0] == 0);
  CHECK(x.gradient()[1] == 1);
}
