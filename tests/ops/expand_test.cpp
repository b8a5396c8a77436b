// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/expand.hpp"

#include "ops/reduce_samples.hpp"

namespace heed::test {

const SamplesOf expand_op("expand", []() -> OpSamples {
  const auto one = [](const char* label, const Shape& shape, std::vector<Index> lengths) {
    const Segments segments{std::span<const Index>(lengths)};
    return sample(
        label, {normal(shape)}, [=](auto&, auto x) { return expand(x[0], segments); },
        [=](std::span<const Tensor<double>> x) {
          Tensor<double> y(detail::with_size(x[0].shape(), 0, segments.tokens()));
          const Index width = detail::without(x[0].shape(), 0).size();
          for (Index s = 0; s < segments.count(); ++s) {
            for (Index t = segments.begin(s); t < segments.end(s); ++t) {
              std::copy_n(x[0].data() + s * width, width, y.data() + t * width);
            }
          }
          return y;
        });
  };
  OpSamples out;
  out.good = {one("rows", {3, 5}, {2, 1, 4}),
              one("some empty", {4, 3}, {0, 3, 0, 2}),
              one("a vector", {2}, {3, 4}),
              one("planes", {2, 2, 3}, {1, 3}),
              one("no tokens", {2, 3}, {0, 0}),
              one("no segments", {0, 3}, {}),
              one("several chunks", {3, 30}, {600, 1, 49})};
  out.bad = {bad_call(
                 "other segments", {{3, 4}},
                 [](auto x) {
                   expand(x[0], Segments{2, 1});
                 },
                 "expand: input [3, 4] for 2 segments"),
             bad_call(
                 "a scalar", {{}}, [](auto x) { expand(x[0], Segments{1}); }, "expand: input [] for 1 segments")};
  return out;
});

}  // namespace heed::test
