// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/target_attention.hpp"

#include "heed/kernels/reference/target_attention.hpp"
#include "ops/attention_reference.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

/// `x` is q, k, v, or q = k = v, depending on `inputs`, and then the MLP.
Sample target_sample(std::string label, std::vector<Tensor<double>> inputs, std::vector<Tensor<double>> mlp,
                     const Segments& qs, const Segments& ks, const MaskOf& mask, TargetAttentionCall how) {
  how.mask = mask.mask;
  const std::size_t count = inputs.size();
  inputs.insert(inputs.end(), mlp.begin(), mlp.end());
  const auto at = [count](std::size_t i) { return std::min(i, count - 1); };
  return sample(
      std::move(label), std::move(inputs),
      [=](auto&, auto x) {
        const auto result = target_attention(x[0], qs, x[at(1)], x[at(2)], ks, x.subspan(count), how);
        return how.weights ? joined(result.context, result.weights) : result.context;
      },
      [=](std::span<const Tensor<double>> x) {
        const Tensor<double>&q = x[0], &k = x[at(1)], &v = x[at(2)];
        std::vector<kernels::reference::TargetLayer> layers;
        for (std::size_t l = count; l < x.size(); l += 2) layers.push_back({x[l].view(), x[l + 1].data()});
        return each_sequence(q, qs, k, v, ks, mask, how.weights,
                             [&](auto own_q, auto own_k, auto own_v, auto numbers, auto w, auto context) {
                               kernels::reference::target_attention(own_q, own_k, own_v, layers, how.activation,
                                                                    how.softmax, numbers, w, context);
                             });
      });
}

/// Returns weight and bias of each layer for queries of `width` features.
std::vector<Tensor<double>> mlp(Index width, std::vector<Index> hidden) {
  std::vector<Tensor<double>> out;
  Index in = 4 * width;
  hidden.push_back(1);
  for (const Index features : hidden) {
    const std::string l = std::to_string(out.size());
    out.push_back(normal({features, in}, "weight" + l, 0.5));
    out.push_back(normal({features}, "bias" + l));
    in = features;
  }
  return out;
}

}  // namespace

const SamplesOf target_attention_op("target_attention", []() -> OpSamples {
  OpSamples out;
  const Segments qs({3, 0, 2, 1, 0}), ks({4, 3, 2, 0, 0}), same({3, 0, 2, 4});
  const auto inputs = [&](Index width, Index depth) {
    return std::vector<Tensor<double>>{normal({qs.tokens(), width}, "q"), normal({ks.tokens(), width}, "k"),
                                       normal({ks.tokens(), depth}, "v")};
  };
  for (const bool softmax : {true, false}) {
    for (const MaskOf& mask : every_mask(qs.count())) {
      out.good.push_back(target_sample((softmax ? "softmax, " : "scores, ") + mask.label, inputs(5, 3), mlp(5, {4}), qs,
                                       ks, mask, {.weights = true, .softmax = softmax}));
    }
  }
  for (const MaskOf& mask : every_mask(same.count())) {
    out.good.push_back(
        target_sample("q = k = v, " + mask.label, {normal({same.tokens(), 5})}, mlp(5, {4}), same, same, mask, {}));
  }
  const auto masks = every_mask(4);
  out.good.push_back(target_sample("k = v", {normal({9, 4}, "q"), normal({9, 4}, "k")}, mlp(4, {3}), same, same,
                                   masks[0], {.weights = true}));
  // One array with different segments for queries and keys: rows 2 and 3 are queries of the first sequence and keys
  // of the second, and get a gradient from both.
  out.good.push_back(target_sample("q = k = v, cut in two ways", {normal({9, 4})}, mlp(4, {3}), Segments({4, 2, 3, 0}),
                                   Segments({2, 4, 1, 2}), masks[0], {.weights = true}));
  for (const Activation activation : {Activation::tanh, Activation::gelu, Activation::identity}) {
    out.good.push_back(
        target_sample("two hidden layers", inputs(3, 2), mlp(3, {4, 5}), qs, ks, every_mask(5)[1],
                      {.weights = true, .activation = activation, .softmax = activation != Activation::identity}));
  }
  out.good.push_back(
      target_sample("no hidden layer", inputs(3, 2), mlp(3, {}), qs, ks, every_mask(5)[0], {.weights = true}));
  out.good.push_back(
      target_sample("one feature", inputs(1, 1), mlp(1, {1}), qs, ks, every_mask(5)[0], {.weights = true}));
  // More sequences than a group that shares a partial gradient.
  const Segments many(std::vector<Index>(19, 1));
  out.good.push_back(target_sample("many sequences", {normal({19, 3}, "q"), normal({19, 3}, "k"), normal({19, 2}, "v")},
                                   mlp(3, {4}), many, many, every_mask(19)[0], {.weights = true, .softmax = false}));
  out.good.push_back(target_sample("no sequences", {normal({0, 4}), normal({0, 4}), normal({0, 2})}, mlp(4, {3}),
                                   Segments(), Segments(), every_mask(0)[0], {.weights = true}));

  const auto call = [](std::string label, std::vector<Shape> shapes, const Segments& q_segments,
                       const Segments& k_segments, const Mask& mask, std::string expected) {
    return bad_call(
        std::move(label), std::move(shapes),
        [=](auto x) {
          target_attention(x[0], q_segments, x[1], x[2], k_segments, x.subspan(3),
                           {.mask = mask, .activation = Activation::relu});
        },
        std::move(expected));
  };
  const Segments two({2, 1}), three({1, 1, 1});
  out.bad = {call("segments", {{3, 4}, {3, 4}, {3, 4}, {1, 16}, {1}}, two, three, {},
                  "target_attention: 2 query sequences for 3 key sequences"),
             call("query rows", {{4, 4}, {3, 4}, {3, 4}, {1, 16}, {1}}, two, two, {},
                  "target_attention: query is [4, 4], wanted [3 tokens, features]"),
             call("widths", {{3, 4}, {3, 5}, {3, 4}, {1, 16}, {1}}, two, two, {},
                  "target_attention: queries of 4 features for keys of 5"),
             call("no layers", {{3, 4}, {3, 4}, {3, 4}}, two, two, {}, "target_attention: 0 weights and biases"),
             call("no bias", {{3, 4}, {3, 4}, {3, 4}, {1, 16}}, two, two, {}, "target_attention: 1 weights and biases"),
             call("first layer", {{3, 4}, {3, 4}, {3, 4}, {5, 12}, {5}, {1, 5}, {1}}, two, two, {},
                  "target_attention: layer 0 has weight [5, 12] and bias [5], wanted [5, 16] and [5]"),
             call("second layer", {{3, 4}, {3, 4}, {3, 4}, {5, 16}, {5}, {1, 4}, {1}}, two, two, {},
                  "target_attention: layer 1 has weight [1, 4] and bias [1], wanted [1, 5] and [1]"),
             call("two scores", {{3, 4}, {3, 4}, {3, 4}, {2, 16}, {2}}, two, two, {},
                  "target_attention: layer 0 has weight [2, 16] and bias [2], wanted [1, 16] and [1]"),
             call("bias", {{3, 4}, {3, 4}, {3, 4}, {1, 16}, {2}}, two, two, {},
                  "target_attention: layer 0 has weight [1, 16]"),
             call("mask lengths", {{3, 4}, {3, 4}, {3, 4}, {1, 16}, {1}}, two, two,
                  Mask::lengths(std::vector<Index>{1}), "target_attention: mask has 1 lengths for 2 sequences"),
             {"two tapes",
              [=] {
                Tape<float> one, other;
                const auto x = one.constant(Tensor<float>({3, 4}));
                const std::vector<Var<float>> unit = {one.constant(Tensor<float>({1, 16})),
                                                      other.constant(Tensor<float>({1}))};
                target_attention<float>(x, two, x, x, two, unit);
              },
              "target_attention: inputs on different tapes"}};
  return out;
});

}  // namespace heed::test
