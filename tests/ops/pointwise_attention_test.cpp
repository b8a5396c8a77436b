// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/pointwise_attention.hpp"

#include "heed/kernels/reference/pointwise_attention.hpp"
#include "ops/attention_reference.hpp"
#include "ops/joined.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

constexpr Index buckets = 6;
/// Some times are equal, and one is earlier than the time before it.
constexpr double nine_times[] = {5, 5, 9, 100, 7, 8, 1000, 1000, 900};

/// `x` is q, k, v and the biases that are used. Returns the context and, if requested, the weights.
Tensor<double> reference(std::span<const Tensor<double>> x, const Segments& segments, Index heads, bool position,
                         std::span<const double> times, bool with_weights = false) {
  const Tensor<double>&q = x[0], &k = x[1], &v = x[2];
  const Index d = q.cols() / heads, e = v.cols() / heads;
  const auto whole = [](const Tensor<double>& t) {
    return std::span<const double>(t.data(), static_cast<std::size_t>(t.size()));
  };
  Tensor<double> context(v.shape());
  std::vector<double> weights;
  for (Index b = 0; b < segments.count(); ++b) {
    const Index begin = segments.begin(b), end = segments.end(b);
    std::vector<double> now;
    for (Index i = begin; !times.empty() && i < end; ++i) now.push_back(times[static_cast<std::size_t>(i)]);
    kernels::reference::PointwiseBias bias;
    if (position) bias.position = whole(x[3]);
    if (!times.empty()) {
      bias.time = whole(x.back());
      bias.times = now;
    }
    for (Index h = 0; h < heads; ++h) {
      Tensor<double> y({end - begin, e}), w({end - begin, end - begin});
      kernels::reference::pointwise_attention(
          block(q, begin, end, h * d, (h + 1) * d).view(), block(k, begin, end, h * d, (h + 1) * d).view(),
          block(v, begin, end, h * e, (h + 1) * e).view(), bias, y.view(), w.view());
      weights.insert(weights.end(), w.data(), w.data() + w.size());
      for (Index i = begin; i < end; ++i) std::copy_n(y.view().row(i - begin), e, context.view().row(i) + h * e);
    }
  }
  if (!with_weights) return context;
  Tensor<double> packed({static_cast<Index>(weights.size())});
  std::copy(weights.begin(), weights.end(), packed.data());
  return joined({context, packed});
}

Sample pointwise_sample(std::string label, const Segments& segments, Index width, Index depth, Index heads,
                        bool position, std::span<const double> times, bool weights = false) {
  const Index n = segments.tokens();
  std::vector<Tensor<double>> inputs{normal({n, width}, "q"), normal({n, width}, "k"), normal({n, depth}, "v")};
  if (position) inputs.push_back(normal({segments.max_length() + 1}, "position"));
  if (!times.empty()) inputs.push_back(normal({buckets}, "time"));
  return sample(
      std::move(label), std::move(inputs),
      [=](auto&, auto x) {
        using Scalar = std::remove_cvref_t<decltype(x[0].item())>;
        PointwiseAttentionOptions<Scalar> options{.num_heads = heads, .times = times, .weights = weights};
        if (position) options.position_bias = x[3];
        if (!times.empty()) options.time_bias = x.back();
        const auto out = pointwise_attention(x[0], x[1], x[2], segments, options);
        return weights ? joined(out.context, out.weights) : out.context;
      },
      [=](std::span<const Tensor<double>> x) { return reference(x, segments, heads, position, times, weights); });
}

}  // namespace

const SamplesOf pointwise_attention_op("pointwise_attention", []() -> OpSamples {
  OpSamples out;
  const Segments ragged({4, 0, 3, 2});
  out.good = {pointwise_sample("no bias", ragged, 3, 2, 1, false, {}),
              pointwise_sample("position bias", ragged, 4, 2, 2, true, {}),
              pointwise_sample("time bias", ragged, 4, 6, 2, false, nine_times),
              pointwise_sample("both", ragged, 4, 6, 2, true, nine_times),
              pointwise_sample("no tokens", Segments({0, 0}), 4, 2, 2, true, {}),
              pointwise_sample("no sequences", Segments(), 4, 2, 2, false, {}),
              pointwise_sample("long sequences", Segments({37, 70}), 3, 2, 1, true, {}),
              pointwise_sample("weights", ragged, 4, 6, 2, true, nine_times, true),
              pointwise_sample("weights of long sequences", Segments({37, 70}), 3, 2, 1, true, {}, true),
              pointwise_sample("weights of no tokens", Segments({0, 0}), 4, 2, 2, false, {}, true)};
  const Segments same({3, 2});
  out.good.push_back(sample(
      "q = k = v", {normal({5, 4})},
      [=](auto&, auto x) { return pointwise_attention(x[0], x[0], x[0], same, {.num_heads = 2}).context; },
      [=](std::span<const Tensor<double>> x) {
        const Tensor<double> all[] = {x[0], x[0], x[0]};
        return reference(all, same, 2, false, {});
      }));
  const auto call = [](std::string label, std::vector<Shape> shapes, std::span<const double> times,
                       std::string expected, Index heads = 2) {
    return bad_call(
        std::move(label), std::move(shapes),
        [=](auto x) {
          PointwiseAttentionOptions<float> options{.num_heads = heads, .times = times};
          if (x.size() > 3) options.position_bias = x[3];
          if (x.size() > 4) options.time_bias = x[4];
          pointwise_attention(x[0], x[1], x[2], Segments({2, 1}), options);
        },
        std::move(expected));
  };
  const auto three_times = std::span(nine_times).first(3);
  out.bad = {
      call("query rows", {{4, 4}, {3, 4}, {3, 4}}, {}, "pointwise_attention: query is [4, 4], wanted [3 tokens"),
      call("key rank", {{3, 4}, {3, 2, 2}, {3, 4}}, {}, "pointwise_attention: key is [3, 2, 2], wanted [3 tokens"),
      call("widths", {{3, 4}, {3, 6}, {3, 4}}, {}, "pointwise_attention: queries of 4 features for keys of 6"),
      call("heads", {{3, 4}, {3, 4}, {3, 3}}, {}, "pointwise_attention: 2 heads do not divide 4 key and 3 value"),
      call("no heads", {{3, 4}, {3, 4}, {3, 4}}, {}, "pointwise_attention: 0 heads do not divide", 0),
      call("distances", {{3, 4}, {3, 4}, {3, 4}, {1}}, {},
           "pointwise_attention: biases of 1 distances for a sequence of 2"),
      call("times", {{3, 4}, {3, 4}, {3, 4}, {2}, {7}}, std::span(nine_times).first(2),
           "pointwise_attention: 2 times and 7 buckets of time for 3 tokens"),
      call("buckets", {{3, 4}, {3, 4}, {3, 4}, {2}, {0}}, three_times,
           "pointwise_attention: 3 times and 0 buckets of time for 3 tokens"),
      {"two tapes",
       [=] {
         Tape<float> one, other;
         const auto x = one.constant(Tensor<float>({3, 4}));
         pointwise_attention(x, x, x, Segments({2, 1}), {.position_bias = other.constant(Tensor<float>({2}))});
       },
       "pointwise_attention: inputs on different tapes"}};
  return out;
});

}  // namespace heed::test
