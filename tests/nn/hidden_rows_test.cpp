// SPDX-License-Identifier: Apache-2.0
// Rows that a mask hides from every query have no influence on outputs and gradients, whatever their values.
#include <algorithm>
#include <limits>

#include "heed/nn/additive_attention.hpp"
#include "heed/nn/attention_pooling.hpp"
#include "heed/nn/ligr.hpp"
#include "heed/nn/target_attention.hpp"
#include "heed/nn/transformer.hpp"
#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;

const Segments sequences({3, 0, 2});
constexpr Index hidden[] = {2, 4};  // the last rows of the first and the third sequence
constexpr double infinity = std::numeric_limits<double>::infinity(),
                 not_a_number = std::numeric_limits<double>::quiet_NaN();

bool is_hidden(Index row) { return std::find(std::begin(hidden), std::end(hidden), row) != std::end(hidden); }

/// Returns masks of every kind that hide those rows from the `queries` queries of each sequence.
std::vector<Mask> masks(Index queries) {
  Tensor<double> hides({3, queries, 3}), shows({3, queries, 3}), adds({3, queries, 3});
  for (Index i = 0; i < hides.size(); ++i) {
    const Index b = i / (3 * queries), j = i % 3;
    hides.data()[i] = (b == 0 && j == 2) || (b == 2 && j == 1);
    shows.data()[i] = 1 - hides.data()[i];
    adds.data()[i] = hides.data()[i] > 0 ? -infinity : 0.5;
  }
  const Mask lengths = Mask::lengths(std::vector<Index>{2, 0, 1});
  return {lengths, lengths & Mask::causal(), Mask::hidden(hides.view()), Mask::visible(shows.view()),
          Mask::additive(adds.view())};
}

struct Run {
  Tensor<double> y, dx;
  std::vector<Tensor<double>> gradients;
};

/// Returns `call(layer, x, mask)` with `fill` in the hidden rows of x [5, 6], and the gradients of a loss of its
/// output. If the output has the rows of x, the loss excludes the hidden rows.
template <class Layer, class Call>
Run run(Layer& layer, const Call& call, const Mask& mask, double fill) {
  Tensor<double> x = normal<double>({5, 6});
  for (const Index row : hidden) std::fill_n(x.data() + 6 * row, 6, fill);
  for (const auto& named : nn::parameters(layer)) named.parameter->zero_gradient();
  Tape<double> tape;
  const auto v = tape.variable(x);
  const auto y = call(layer, v, mask);
  Tensor<double> d_y = Tensor<double>::normal(y.shape(), Random(9));
  Run out{Tensor<double>(y.value()), {}, {}};
  for (Index row = 0; y.rows() == 5 && row < 5; ++row) {
    if (!is_hidden(row)) continue;
    std::fill_n(d_y.data() + row * y.cols(), y.cols(), 0.0);
    std::fill_n(out.y.data() + row * y.cols(), y.cols(), 0.0);
  }
  backward(sum(multiply(y, tape.constant(d_y))));
  out.dx = Tensor<double>(v.gradient());
  for (const auto& named : nn::parameters(layer)) out.gradients.push_back(named.parameter->gradient());
  return out;
}

template <class Layer, class Call>
void check(Layer layer, const std::vector<Mask>& all, const Call& call) {
  nn::initialize(layer, Random(1));
  for (std::size_t m = 0; m < all.size(); ++m) {
    const Run expected = run(layer, call, all[m], 0);
    for (const double fill : {100.0, not_a_number, infinity, -infinity}) {
      INFO("mask " << m << ", hidden rows of " << fill);
      const Run got = run(layer, call, all[m], fill);
      CHECK(same(got.y, expected.y));
      CHECK(same(got.dx, expected.dx));
      for (const Index row : hidden) CHECK((got.dx.matrix().row(row).array() == 0).all());
      for (std::size_t i = 0; i < got.gradients.size(); ++i) {
        INFO(nn::parameters(layer)[i].name);
        CHECK(same(got.gradients[i], expected.gradients[i]));
      }
    }
  }
}

/// Attention of two queries per sequence over keys and values x.
constexpr auto cross = [](const auto& layer, Var<double> x, const Mask& mask) {
  const Segments queries({2, 2, 2});
  return layer(x.tape().constant(normal<double>({6, 6}, "q")), queries, x, x, sequences, {.mask = mask}).context;
};

TEST_CASE("MultiHeadAttention: hidden keys have no influence on outputs and gradients") {
  check(nn::MultiHeadAttention<double>({.embed_dim = 6, .num_heads = 2}), masks(2), cross);
  check(nn::MultiHeadAttention<double>({.embed_dim = 6, .num_heads = 2}), masks(3),
        [](const auto& layer, Var<double> x, const Mask& mask) { return layer(x, sequences, {.mask = mask}).context; });
  check(nn::MultiHeadAttention<double>({.embed_dim = 6, .num_heads = 2, .kdim = 3, .vdim = 3}), masks(2),
        [](const auto& layer, Var<double> x, const Mask& mask) {
          const Segments queries({2, 2, 2});
          return layer(x.tape().constant(normal<double>({6, 6}, "q")), queries, slice(x, 1, 0, 3), slice(x, 1, 3, 6),
                       sequences, {.mask = mask})
              .context;
        });
}

TEST_CASE("AdditiveAttention: hidden keys have no influence on outputs and gradients") {
  check(nn::AdditiveAttention<double>({.query_size = 6, .key_size = 6, .hidden_size = 4}), masks(2), cross);
  check(nn::AdditiveAttention<double>({.query_size = 6, .key_size = 6, .hidden_size = 4}), masks(3),
        [](const auto& layer, Var<double> x, const Mask& mask) {
          return layer(x, sequences, x, x, sequences, {.mask = mask}).context;
        });
}

TEST_CASE("TargetAttention: hidden keys have no influence on outputs and gradients") {
  for (const bool softmax : {true, false}) {
    check(nn::TargetAttention<double>({.embed_dim = 6, .hidden_features = {4}, .softmax = softmax}), masks(2), cross);
  }
}

TEST_CASE("AttentionPooling: hidden elements have no influence on outputs and gradients") {
  for (const auto score : {nn::PoolingScore::dot_product, nn::PoolingScore::mlp}) {
    check(
        nn::AttentionPooling<double>({.embed_dim = 6, .num_heads = 2, .score = score}), masks(1),
        [](const auto& layer, Var<double> x, const Mask& mask) { return layer(x, sequences, {.mask = mask}).context; });
  }
}

TEST_CASE("blocks: hidden rows have no influence on other rows and gradients, including the residual path") {
  const auto block = [](const auto& layer, Var<double> x, const Mask& mask) {
    return layer(x, sequences, {.mask = mask});
  };
  for (const auto norm : {nn::NormPlacement::pre, nn::NormPlacement::post, nn::NormPlacement::query}) {
    check(nn::TransformerEncoderLayer<double>({.embed_dim = 6, .num_heads = 2, .feedforward_dim = 8, .norm = norm}),
          masks(3), block);
  }
  check(nn::LiGRLayer<double>({.embed_dim = 6, .num_heads = 2}), masks(3), block);
}

TEST_CASE("keys of a sequence without queries have no influence on gradients") {
  const auto layer = initialized(nn::MultiHeadAttention<double>({.embed_dim = 6, .num_heads = 2}));
  Tensor<double> x = normal<double>({5, 6});
  x(4, 1) = not_a_number;
  Tape<double> tape;
  const auto k = tape.variable(x);
  const auto q = tape.constant(normal<double>({3, 6}, "q"));
  backward(sum(layer(q, Segments({3, 0, 0}), k, k, sequences, {.mask = Mask::causal()}).context));
  CHECK(layer.in_proj_weight.gradient().array().isFinite().all());
  CHECK(Tensor<double>(k.gradient()).array().isFinite().all());
}

TEST_CASE("a query whose row is hidden as a key keeps its value, and clearing hidden rows allocates nothing") {
  const auto layer = initialized(nn::MultiHeadAttention<double>({.embed_dim = 6, .num_heads = 2}));
  Tensor<double> past({3, 3});  // strictly causal: the last row is hidden as a key, but is a query
  for (Index i = 0; i < 3; ++i) std::fill_n(past.data() + 3 * i, i, 1.0);
  const Mask mask = Mask::visible(past.view());
  Tensor<double> x = normal<double>({5, 6});
  Tape<double> tape;
  const auto context = [&] {
    tape.clear();
    const auto y = layer(tape.variable(x), sequences, {.mask = mask}).context;
    backward(sum(y));
    return y.value();
  };
  const Tensor<double> before(context());
  x(2, 0) += 1;
  CHECK(!same(Tensor<double>(context().rows(2, 3)), Tensor<double>(before.view().rows(2, 3))));
  x(2, 0) = not_a_number;
  CHECK(test::warm_allocations(context) == 0);
}

}  // namespace HEED_TEST_UNIT
