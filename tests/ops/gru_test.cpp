// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/gru.hpp"

#include "heed/kernels/reference/gru.hpp"
#include "ops/joined.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

/// What a call gives; the inputs are x, weight_ih, weight_hh and then those asked for, in this order.
struct Given {
  bool biases = true, state = false, reverse = false;
};

/// The inputs by name: Var or Tensor.
template <class T>
struct Named {
  T x, w_ih, w_hh, b_ih{}, b_hh{}, h0{};

  Named(std::span<const T> in, const Given& given) : x(in[0]), w_ih(in[1]), w_hh(in[2]) {
    if (given.biases) b_ih = in[3], b_hh = in[4];
    if (given.state) h0 = in[given.biases ? 5 : 3];
  }
};

template <class Scalar>
GruResult<Scalar> call(std::span<const Var<Scalar>> in, const Segments& segments, const Given& given) {
  const Named<Var<Scalar>> n(in, given);
  return gru<Scalar>(n.x, segments, {n.w_ih, n.w_hh, n.b_ih, n.b_hh}, n.h0, given.reverse);
}

Tensor<double> reference(std::span<const Tensor<double>> in, const Segments& segments, const Given& given) {
  const Named<Tensor<double>> n(in, given);
  const Index H = n.w_hh.cols(), tokens = segments.tokens();
  Tensor<double> output({tokens, H}), gates({tokens, 4 * H}), h({segments.count(), H});
  if (given.state) h = n.h0;
  for (Index s = 0; s < segments.count(); ++s) {
    const auto rows = [&](const auto& x) { return x.rows(segments.begin(s), segments.end(s)); };
    kernels::reference::gru(rows(n.x.view()), n.w_ih.view(), n.w_hh.view(), given.biases ? n.b_ih.data() : nullptr,
                            given.biases ? n.b_hh.data() : nullptr, given.reverse, h.view().row(s), rows(output.view()),
                            rows(gates.view()));
  }
  return joined({output, h});
}

Sample gru_sample(std::string label, const Segments& segments, Index input, Index hidden, const Given& given) {
  std::vector<Tensor<double>> inputs = {normal({segments.tokens(), input}, "x"),
                                        normal({3 * hidden, input}, "weight_ih", 0.4),
                                        normal({3 * hidden, hidden}, "weight_hh", 0.4)};
  if (given.biases) {
    inputs.push_back(normal({3 * hidden}, "bias_ih", 0.3));
    inputs.push_back(normal({3 * hidden}, "bias_hh", 0.3));
  }
  if (given.state) inputs.push_back(normal({segments.count(), hidden}, "h0"));
  return sample(
      std::move(label), std::move(inputs),
      [=](auto&, auto x) {
        const auto result = call(x, segments, given);
        return joined(result.output, result.h_n);
      },
      [=](std::span<const Tensor<double>> x) { return reference(x, segments, given); });
}

}  // namespace

template <>
OpSamples samples<op::gru>() {
  OpSamples out;
  const Segments ragged({2, 0, 4, 1, 4});
  out.good = {gru_sample("ragged", ragged, 3, 4, {}),
              gru_sample("without biases", ragged, 3, 4, {.biases = false}),
              gru_sample("reverse", ragged, 3, 4, {.reverse = true}),
              gru_sample("initial state", ragged, 3, 4, {.state = true}),
              gru_sample("initial state, reverse, without biases", ragged, 3, 4, {false, true, true}),
              gru_sample("one sequence", Segments({5}), 2, 3, {.state = true}),
              gru_sample("one feature to one", ragged, 1, 1, {}),
              gru_sample("no features", ragged, 0, 3, {.state = true}),
              gru_sample("only empty sequences", Segments({0, 0}), 3, 2, {.state = true}),
              gru_sample("no sequences", Segments(), 3, 2, {.state = true}),
              gru_sample("wider than a register", ragged, 19, 17, {.state = true})};
  std::vector<Index> many;  // three groups
  for (Index i = 0; i < 67; ++i) many.push_back((i * 7) % 4);
  out.good.push_back(gru_sample("three groups", Segments(std::span<const Index>(many)), 2, 3, {.state = true}));

  const Segments two({2, 1});
  const auto bad = [=](std::string label, std::vector<Shape> shapes, const Given& given, std::string expected) {
    return bad_call(
        std::move(label), std::move(shapes), [=](auto x) { call(x, two, given); }, std::move(expected));
  };
  const Given bare{.biases = false}, state{.biases = false, .state = true};
  out.bad = {
      bad("weight_ih rows", {{3, 2}, {4, 2}, {6, 2}}, bare, "gru: weight_ih is [4, 2], wanted [3 hidden, input]"),
      bad("weight_ih rank", {{3, 2}, {6}, {6, 2}}, bare, "gru: weight_ih is [6], wanted [3 hidden, input]"),
      bad("features", {{3, 5}, {6, 2}, {6, 2}}, bare, "gru: input is [3, 5], wanted [3 tokens, 2 features]"),
      bad("tokens", {{4, 2}, {6, 2}, {6, 2}}, bare, "gru: input is [4, 2], wanted [3 tokens, 2 features]"),
      bad("input rank", {{3, 1, 2}, {6, 2}, {6, 2}}, bare, "gru: input is [3, 1, 2], wanted [3 tokens"),
      bad("weight_hh", {{3, 2}, {6, 2}, {6, 3}}, bare, "gru: weight_hh is [6, 3], wanted [6, 2]"),
      bad("biases", {{3, 2}, {6, 2}, {6, 2}, {6}, {4}}, {}, "gru: bias_hh is [4], wanted [6]"),
      bad("h0", {{3, 2}, {6, 2}, {6, 2}, {2, 3}}, state, "gru: initial state is [2, 3], wanted [2, 2]"),
      bad_call(
          "one bias", {{3, 2}, {6, 2}, {6, 2}, {6}},
          [=](auto x) {
            gru<float>(x[0], two, {x[1], x[2], x[3], {}});
          },
          "gru: one bias without the other")};
  // Every input may be the one that is on another tape.
  for (std::size_t i = 0; i < 6; ++i) {
    out.bad.push_back({"input " + std::to_string(i) + " of another tape",
                       [=] {
                         Tape<float> one, other;
                         std::vector<Var<float>> x;
                         for (const Shape& shape : {Shape{3, 2}, {6, 2}, {6, 2}, {6}, {6}, {2, 2}}) {
                           x.push_back((x.size() == i ? other : one).constant(Tensor<float>(shape)));
                         }
                         const std::size_t before = one.size();
                         try {
                           call<float>(x, two, {.state = true});
                         } catch (const StateError&) {
                           CHECK(one.size() == before);
                           throw;
                         }
                       },
                       "gru: inputs on different tapes"});
  }
  return out;
}

}  // namespace heed::test
