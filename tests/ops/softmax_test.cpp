// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/softmax.hpp"

#include "heed/kernels/reference/softmax.hpp"
#include "ops/softmax_samples.hpp"

namespace heed::test {

const SamplesOf softmax_op("softmax", []() -> OpSamples {
  const auto call = [](auto x, const Mask& mask) { return softmax(x, mask); };
  OpSamples out{softmax_samples(call, kernels::reference::softmax), softmax_refusals("softmax", call)};
  const auto ragged = [](const char* label, const Shape& shape, std::vector<Index> lengths) {
    const Segments segments{std::span<const Index>(lengths)};
    return sample(
        label, {normal(shape)}, [=](auto&, auto x) { return softmax(x[0], segments); },
        [=](std::span<const Tensor<double>> x) {
          Tensor<double> y(shape);
          const Index width = shape.size() / std::max<Index>(shape[0], 1);
          for (Index s = 0; s < segments.count(); ++s) {
            for (Index j = 0; j < width; ++j) {
              const Index at = segments.begin(s) * width + j;
              kernels::reference::softmax(segments.length(s), width, x[0].data() + at, y.data() + at);
            }
          }
          return y;
        });
  };
  out.good.push_back(ragged("segments", {7}, {2, 1, 4}));
  out.good.push_back(ragged("segments of heads", {7, 3}, {2, 0, 1, 4}));
  out.good.push_back(ragged("segments of many heads", {5, 19}, {3, 2}));
  out.good.push_back(ragged("segments of planes", {5, 2, 3}, {3, 2}));
  out.good.push_back(ragged("segments of nothing", {0, 3}, {0, 0}));
  out.good.push_back(ragged("segments in several chunks", {650, 30}, {600, 1, 49}));
  out.bad.push_back(bad_call(
      "other tokens", {{4, 3}},
      [](auto x) {
        softmax(x[0], Segments{2, 3});
      },
      "softmax: input [4, 3] for 2 segments of 5 tokens"));
  return out;
});

}  // namespace heed::test

using namespace heed;

TEST_CASE("softmax is stable for scores of any size and -infinity hides an element") {
  Tape<float> tape;
  const auto y = softmax(tape.constant(Tensor<float>::of({1000, 1000, -1000, -INFINITY}))).value();
  CHECK(y[0] == 0.5f);
  CHECK(y[1] == 0.5f);
  CHECK(y[2] == 0.0f);
  CHECK(y[3] == 0.0f);
  const auto nothing = softmax(tape.constant(Tensor<float>::of({-INFINITY, -INFINITY}))).value();
  CHECK(nothing[0] == 0.0f);
  CHECK(std::isnan(softmax(tape.constant(Tensor<float>::of({NAN, 1}))).value()[0]));
}

TEST_CASE("the softmax of a segment equals the softmax of a separate array") {
  Tape<float> tape;
  const Tensor<float> x = Tensor<float>::normal({9, 4}, Random(1));
  const auto whole = softmax(tape.constant(x), Segments{4, 0, 5}).value();
  const auto alone = softmax(tape.constant(x.view().rows(4, 9)), Segments{5}).value();
  CHECK(std::equal(alone.data(), alone.data() + 20, whole.row(4)));
}
