// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/hstu.hpp"

#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;
using nn::HSTULayerOptions;

const Segments sequences({2, 0, 3, 1});
const std::vector<double> times = {3, 3, 10, 20, 500, 7};

HSTULayerOptions small(double dropout = 0) {
  return {.embed_dim = 6, .num_heads = 2, .max_length = 4, .time_buckets = 9, .dropout = dropout};
}

template <class Scalar>
nn::HSTULayer<Scalar> make(const HSTULayerOptions& options) {
  nn::HSTULayer<Scalar> layer(options);
  nn::initialize(layer, Random(1));
  for (const auto& named : nn::parameters(layer)) {  // small numbers, zeros and ones would hide errors
    nn::init_normal(*named.parameter, Random(2).fork(named.name), 0.5);
  }
  return layer;
}

TEST_CASE("HSTULayer: names and counts") {
  nn::HSTULayer<float> layer(small());
  CHECK(names(layer) == Names{"norm_input.weight", "norm_input.bias", "uvqk.weight", "position_bias", "time_bias",
                              "norm_attention.weight", "norm_attention.bias", "output.weight", "output.bias"});
  CHECK(layer.uvqk.weight.shape() == Shape{24, 6});
  CHECK(nn::parameter_count(layer) == 12 + 24 * 6 + 4 + 9 + 12 + 36 + 6);
  nn::HSTULayer<float> wide({.embed_dim = 5, .num_heads = 2, .attention_dim = 3, .linear_dim = 4});
  CHECK(names(wide) == Names{"norm_input.weight", "norm_input.bias", "uvqk.weight", "norm_attention.weight",
                             "norm_attention.bias", "output.weight", "output.bias"});
  CHECK(wide.uvqk.weight.shape() == Shape{2 * (2 * 4 + 2 * 3), 5});
  CHECK(wide.norm_attention.weight.shape() == Shape{8});
  CHECK(wide.output.weight.shape() == Shape{5, 8});
  nn::initialize(layer, Random(1));
  CHECK(test::largest(layer.uvqk.weight) < 5 * 0.02);
  CHECK(test::largest(layer.position_bias) > 0);
  CHECK(test::largest(layer.time_bias) < 5 * 0.02);
  CHECK(test::fills(layer.output.weight, std::sqrt(6.0 / 12)));
}

TEST_CASE("HSTULayer is the composition of its operations, dropout and gradients included") {
  for (const double p : {0.0, 0.6}) {
    INFO("dropout " << p);
    const auto layer = make<double>(small(p));
    const Tensor<double> x = normal<double>({6, 6});
    Tape<double> one({.training = true, .random = Random(4)}), two({.training = true, .random = Random(4)});
    const auto a = one.variable(x), b = two.variable(x);
    const auto y = layer(a, sequences, times);
    const auto h = activation(linear(layer.norm_input(b), two.parameter(layer.uvqk.weight)), Activation::silu);
    const auto u = slice(h, 1, 0, 6), v = slice(h, 1, 6, 12), q = slice(h, 1, 12, 18), k = slice(h, 1, 18, 24);
    const auto context = pointwise_attention(q, k, v, sequences,
                                             {.num_heads = 2,
                                              .position_bias = two.parameter(layer.position_bias),
                                              .time_bias = two.parameter(layer.time_bias),
                                              .times = times})
                             .context;
    const auto expected = add(b, layer.output(dropout(multiply(u, layer.norm_attention(context)), p)));
    CHECK(testing::allclose(y.value(), expected.value(), 1e-12));
    backward(sum(multiply(y, y)));
    backward(sum(multiply(expected, expected)));
    CHECK(testing::allclose(a.gradient(), b.gradient(), 1e-11));
  }
}

TEST_CASE("HSTULayer: attention_weights are the normalised absolute weights of its attention") {
  const auto layer = make<double>(small());
  Tape<double> tape;
  const auto x = tape.constant(normal<double>({6, 6}));
  const std::vector<Index> ends = {1, -1, 4, 5};
  const auto got = layer.attention_weights(x, sequences, times, ends, Segments({1, 1, 1, 1})).value();
  // With an identity matrix as values, the context of a head is its weights.
  const auto h = activation(linear(layer.norm_input(x), tape.parameter(layer.uvqk.weight)), Activation::silu);
  auto identity = Tensor<double>::zeros({6, 6}), sizes = Tensor<double>::zeros({6, 6});
  for (Index i = 0; i < 6; ++i) identity(i, i) = 1;
  for (Index head = 0; head < 2; ++head) {
    const auto q = slice(h, 1, 12 + 3 * head, 15 + 3 * head), k = slice(h, 1, 18 + 3 * head, 21 + 3 * head);
    const auto weights = pointwise_attention(q, k, tape.constant(identity), sequences,
                                             {.num_heads = 1,
                                              .position_bias = tape.parameter(layer.position_bias),
                                              .time_bias = tape.parameter(layer.time_bias),
                                              .times = times})
                             .context.value();
    for (Index i = 0; i < 6; ++i) {
      for (Index j = 0; j < 6; ++j) sizes(i, j) += std::abs(weights(i, j));
    }
  }
  REQUIRE(got.size() == 6);
  Index at = 0;
  for (const auto& [begin, end] : {std::pair<Index, Index>{0, 2}, {2, 5}, {5, 6}}) {
    double sum = 0;
    for (Index j = begin; j < end; ++j) sum += sizes(end - 1, j);
    for (Index j = begin; j < end; ++j) CHECK(got[at++] == Approx(sizes(end - 1, j) / sum));
  }
  // A query in the middle does not attend to later events.
  const auto middle =
      layer.attention_weights(x, sequences, times, std::vector<Index>{3}, Segments({0, 0, 1, 0})).value();
  REQUIRE(middle.size() == 3);
  CHECK(middle[0] + middle[1] == Approx(1));
  CHECK(middle[2] == 0);
}

TEST_CASE("HSTULayer applies dropout only while training") {
  const Tensor<float> x = normal<float>({6, 6});
  const auto none = make<float>(small()), some = make<float>(small(0.5));
  Tape<float> still, training({.training = true, .random = Random(2)});
  const auto y = none(still.constant(x), sequences, times);
  CHECK(same(none(training.constant(x), sequences, times).value(), y.value()));
  CHECK(same(some(still.constant(x), sequences, times).value(), y.value()));
  const auto once = some(training.constant(x), sequences, times);
  CHECK(!same(once.value(), y.value()));
  CHECK(!same(once.value(), some(training.constant(x), sequences, times).value()));
}

TEST_CASE("HSTULayer: the gradients of parameters and input are correct") {
  auto layer = make<double>(small(0.3));
  const auto result = test::gradcheck_module(
      nn::parameters(layer), {normal<double>({6, 6})},
      [&](Tape<double>&, std::span<const Var<double>> x) { return layer(x[0], sequences, times); },
      {.max_positions = 30, .tape = {.training = true, .random = Random(3)}});
  INFO(result.message());
  CHECK(result);
}

TEMPLATE_TEST_CASE("HSTULayer: a sequence alone gives the same bits as in a batch, and so does its beginning", "",
                   float, double) {
  const Segments ragged({5, 0, 70, 1, 33});
  const auto layer = make<TestType>({.embed_dim = 20, .num_heads = 2, .max_length = 70, .time_buckets = 20});
  const Tensor<TestType> x = normal<TestType>({ragged.tokens(), 20});
  std::vector<double> when;
  for (Index i = 0; i < ragged.tokens(); ++i) when.push_back(static_cast<double>(i * i / 7));
  Tape<TestType> tape;
  const auto together = layer(tape.constant(x), ragged, when);
  for (Index b = 0; b < ragged.count(); ++b) {
    for (const Index length : {ragged.length(b), ragged.length(b) / 2}) {
      const Index begin = ragged.begin(b), end = begin + length;
      const auto alone =
          layer(tape.constant(x.view().rows(begin, end)), Segments({length}),
                std::span(when).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(length)));
      INFO("sequence " << b << ", " << length << " events");
      CHECK(same(alone.value(), together.value().rows(begin, end)));
    }
  }
}

TEST_CASE("HSTULayer reports invalid arguments") {
  using Layer = nn::HSTULayer<float>;
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .num_heads = 4}); }) ==
        "HSTULayer: 4 heads do not divide embed_dim 6");
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .num_heads = 0}); }) ==
        "HSTULayer: 0 heads do not divide embed_dim 6");
  CHECK(error_of<OptionError>([] { Layer({}); }) == "HSTULayer: 1 heads do not divide embed_dim 0");
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .max_length = -1}); }) == "HSTULayer: a size of -1");
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .dropout = 1}); }) ==
        "HSTULayer: dropout 1.000000 is not in [0, 1)");
  CHECK(error_of<OptionError>([] { Layer({.embed_dim = 6, .eps = 0}); }) ==
        "LayerNorm: features 6 and eps 0.000000 must be positive");
  const auto layer = make<float>(small());
  Tape<float> tape;
  const auto x = tape.constant(Tensor<float>({6, 6}));
  CHECK(error_of<ShapeError>([&] { layer(x, Segments({6}), times); }) ==
        "pointwise_attention: biases of 4 distances for a sequence of 6");
  CHECK(error_of<ShapeError>([&] { layer(x, sequences); }) ==
        "pointwise_attention: 0 times and 9 buckets of time for 6 tokens");
  CHECK(error_of<ShapeError>([&] { layer(tape.constant(Tensor<float>({6, 7})), sequences, times); }) != "");
}

TEST_CASE("HSTULayer: const modules train and moves keep parameters in place") {
  test::check_const_and_move(nn::HSTULayer<float>(small()), [](const auto& layer, auto& tape) {
    return multiply(layer(tape.constant(normal<float>({6, 6})), sequences, times),
                    tape.constant(normal<float>({6, 6}, "w")));
  });
}

}  // namespace HEED_TEST_UNIT
