// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/additive_attention.hpp"

#include "heed/kernels/reference/additive_attention.hpp"
#include "ops/attention_reference.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

/// `x` is {w, q, k, v}, {w, q, k = v} or {w, q = k = v}.
template <class List>
auto query(const List& x) {
  return x[1];
}
template <class List>
auto key(const List& x) {
  return x[std::min<std::size_t>(2, x.size() - 1)];
}

Sample additive_sample(std::string label, std::vector<Tensor<double>> inputs, const Segments& qs, const Segments& ks,
                       const MaskOf& mask, bool with_weights) {
  return sample(
      std::move(label), std::move(inputs),
      [=, mask = mask.mask](auto&, auto x) {
        const auto result =
            additive_attention(query(x), qs, key(x), x.back(), ks, x[0], {.mask = mask, .weights = with_weights});
        return with_weights ? joined(result.context, result.weights) : result.context;
      },
      [=](std::span<const Tensor<double>> x) {
        return each_sequence(query(x), qs, key(x), x.back(), ks, mask, with_weights,
                             [&](auto q, auto k, auto v, auto numbers, auto w, auto context) {
                               kernels::reference::additive_attention(q, k, v, x[0].data(), numbers, w, context);
                             });
      });
}

}  // namespace

const SamplesOf additive_attention_op("additive_attention", []() -> OpSamples {
  OpSamples out;
  const Segments qs({3, 0, 2, 1, 0}), ks({4, 3, 2, 0, 0}), same({3, 0, 2, 4});
  const auto inputs = [&](Index width, Index depth) {
    return std::vector<Tensor<double>>{normal({width}, "w"), normal({qs.tokens(), width}, "q"),
                                       normal({ks.tokens(), width}, "k"), normal({ks.tokens(), depth}, "v")};
  };
  for (const MaskOf& mask : every_mask(qs.count())) {
    out.good.push_back(additive_sample("two sets of segments, " + mask.label, inputs(5, 3), qs, ks, mask, true));
  }
  for (const MaskOf& mask : every_mask(same.count())) {
    out.good.push_back(additive_sample("q = k = v, " + mask.label, {normal({5}, "w"), normal({same.tokens(), 5})}, same,
                                       same, mask, false));
  }
  const auto masks = every_mask(4);
  out.good.push_back(additive_sample("k = v", {normal({4}, "w"), normal({9, 4}, "q"), normal({9, 4}, "k")}, same, same,
                                     masks[0], true));
  // One array with different segments for queries and keys: rows 2 and 3 are queries of the first sequence and keys
  // of the second, and get a gradient from both.
  out.good.push_back(additive_sample("q = k = v, cut in two ways", {normal({4}, "w"), normal({9, 4})},
                                     Segments({4, 2, 3, 0}), Segments({2, 4, 1, 2}), masks[0], true));
  out.good.push_back(additive_sample(
      "a score vector of one row", {normal({1, 4}, "w"), normal({9, 4}, "q"), normal({9, 4}, "k"), normal({9, 2}, "v")},
      same, same, masks[0], true));
  out.good.push_back(additive_sample("one feature",
                                     {normal({1}, "w"), normal({9, 1}, "q"), normal({9, 1}, "k"), normal({9, 1}, "v")},
                                     same, same, masks[0], true));
  out.good.push_back(additive_sample("no sequences", {normal({4}, "w"), normal({0, 4}), normal({0, 4}), normal({0, 2})},
                                     Segments(), Segments(), every_mask(0)[0], true));

  const auto call = [](std::string label, std::vector<Shape> shapes, const Segments& q_segments,
                       const Segments& k_segments, const Mask& mask, std::string expected) {
    return bad_call(
        std::move(label), std::move(shapes),
        [=](auto x) { additive_attention(x[1], q_segments, x[2], x[3], k_segments, x[0], {.mask = mask}); },
        std::move(expected));
  };
  const Segments two({2, 1}), three({1, 1, 1});
  out.bad = {call("segments", {{4}, {3, 4}, {3, 4}, {3, 4}}, two, three, {},
                  "additive_attention: 2 query sequences for 3 key sequences"),
             call("query rows", {{4}, {4, 4}, {3, 4}, {3, 4}}, two, two, {},
                  "additive_attention: query is [4, 4], wanted [3 tokens, features]"),
             call("key rows", {{4}, {3, 4}, {2, 4}, {3, 4}}, two, two, {}, "additive_attention: key is [2, 4]"),
             call("value rank", {{4}, {3, 4}, {3, 4}, {3}}, two, two, {}, "additive_attention: value is [3]"),
             call("widths", {{4}, {3, 4}, {3, 5}, {3, 4}}, two, two, {},
                  "additive_attention: queries of 4 features for keys of 5"),
             call("score vector", {{5}, {3, 4}, {3, 4}, {3, 4}}, two, two, {},
                  "additive_attention: score vector is [5], wanted [4]"),
             call("mask lengths", {{4}, {3, 4}, {3, 4}, {3, 4}}, two, two, Mask::lengths(std::vector<Index>{1}),
                  "additive_attention: mask has 1 lengths for 2 sequences"),
             {"two tapes",
              [=] {
                Tape<float> one, other;
                const auto x = one.constant(Tensor<float>({3, 4}));
                additive_attention(x, two, x, x, two, other.constant(Tensor<float>({4})));
              },
              "additive_attention: inputs on different tapes"}};
  return out;
});

}  // namespace heed::test
