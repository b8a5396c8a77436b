// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/lstm.hpp"

#include "heed/kernels/reference/lstm.hpp"
#include "heed/ops/slice.hpp"
#include "ops/joined.hpp"
#include "ops/recurrent_samples.hpp"

namespace heed::test {

namespace {

/// The options of a sample. The inputs are x, weight_ih, weight_hh and then those that are given, in this order.
struct LstmGiven {
  bool biases = true, projection = false, states = false, reverse = false;
};

/// The inputs by name, each a Var or a Tensor.
template <class T>
struct LstmInputs {
  T x, w_ih, w_hh, b_ih{}, b_hh{}, w_hr{}, h0{}, c0{};

  LstmInputs(std::span<const T> in, const LstmGiven& given) : x(in[0]), w_ih(in[1]), w_hh(in[2]) {
    std::size_t at = 3;
    if (given.biases) b_ih = in[at], b_hh = in[at + 1], at += 2;
    if (given.projection) w_hr = in[at++];
    if (given.states) h0 = in[at], c0 = in[at + 1];
  }
};

template <class Scalar>
LstmResult<Scalar> lstm_call(std::span<const Var<Scalar>> in, const Segments& segments, const LstmGiven& given) {
  const LstmInputs<Var<Scalar>> n(in, given);
  return lstm<Scalar>(n.x, segments, {n.w_ih, n.w_hh, n.b_ih, n.b_hh, n.w_hr}, n.h0, n.c0, given.reverse);
}

Tensor<double> lstm_reference(std::span<const Tensor<double>> in, const Segments& segments, const LstmGiven& given) {
  const LstmInputs<Tensor<double>> n(in, given);
  const Index H = n.w_hh.rows() / 4, R = n.w_hh.cols(), tokens = segments.tokens();
  Tensor<double> bias({4 * H}), output({tokens, R}), gates({tokens, 4 * H}), cells({tokens, H});
  if (given.biases) bias.array() = n.b_ih.array() + n.b_hh.array();
  Tensor<double> h({segments.count(), R}), c({segments.count(), H});
  if (given.states) h = n.h0, c = n.c0;
  for (Index s = 0; s < segments.count(); ++s) {
    const auto rows = [&](Tensor<double>& x) { return x.view().rows(segments.begin(s), segments.end(s)); };
    kernels::reference::lstm(n.x.view().rows(segments.begin(s), segments.end(s)), n.w_ih.view(), n.w_hh.view(),
                             bias.data(), given.projection ? n.w_hr.view() : TensorView<const double>(), given.reverse,
                             h.view().row(s), c.view().row(s), rows(output), rows(gates), rows(cells));
  }
  return joined({output, h, c});
}

Sample lstm_sample(std::string label, const Segments& segments, Index input, Index hidden, const LstmGiven& given,
                   Index output = 0) {
  const Index R = given.projection ? output : hidden;
  std::vector<Tensor<double>> inputs = {normal({segments.tokens(), input}, "x"),
                                        normal({4 * hidden, input}, "weight_ih", 0.4),
                                        normal({4 * hidden, R}, "weight_hh", 0.4)};
  if (given.biases) {
    inputs.push_back(normal({4 * hidden}, "bias_ih", 0.3));
    inputs.push_back(normal({4 * hidden}, "bias_hh", 0.3));
  }
  if (given.projection) inputs.push_back(normal({R, hidden}, "weight_hr", 0.4));
  if (given.states) {
    inputs.push_back(normal({segments.count(), R}, "h0"));
    inputs.push_back(normal({segments.count(), hidden}, "c0"));
  }
  return sample(
      std::move(label), std::move(inputs),
      [=](auto&, auto x) {
        const auto result = lstm_call(x, segments, given);
        return joined(result.output, result.h_n, result.c_n);
      },
      [=](std::span<const Tensor<double>> x) { return lstm_reference(x, segments, given); });
}

}  // namespace

const SamplesOf lstm_op("lstm", []() -> OpSamples {
  OpSamples out;
  const Segments ragged({2, 0, 4, 1, 4});
  const LstmGiven full{.projection = true, .states = true, .reverse = true};
  out.good = {lstm_sample("ragged", ragged, 3, 4, {}),
              lstm_sample("without biases", ragged, 3, 4, {.biases = false}),
              lstm_sample("reverse", ragged, 3, 4, {.reverse = true}),
              lstm_sample("initial states", ragged, 3, 4, {.states = true}),
              lstm_sample("initial states, reverse", ragged, 3, 4, {.states = true, .reverse = true}),
              lstm_sample("projection", ragged, 3, 5, {.projection = true}, 2),
              lstm_sample("projection to more", ragged, 3, 2, {.projection = true, .states = true}, 5),
              lstm_sample("projection, initial states, reverse", ragged, 3, 5, full, 2),
              lstm_sample("projection without biases", ragged, 3, 5, {.biases = false, .projection = true}, 2),
              lstm_sample("one sequence", Segments({5}), 2, 3, {.states = true}),
              lstm_sample("one feature to one", ragged, 1, 1, {}),
              lstm_sample("no features", ragged, 0, 3, {.states = true}),
              lstm_sample("only empty sequences", Segments({0, 0}), 3, 2, {.states = true}),
              lstm_sample("no sequences", Segments(), 3, 2, {.states = true}),
              lstm_sample("wider than a register", ragged, 19, 17, {.states = true}),
              lstm_sample("three groups", three_groups(), 2, 3, {.states = true})};

  // Both states are slices of one array, offset by one row: two groups add to the same row's gradient, which is not 0.
  const Segments crowd = three_groups();
  const Index count = crowd.count();
  out.good.push_back(sample(
      "initial states that share rows",
      {normal({crowd.tokens(), 2}, "x"), normal({12, 2}, "weight_ih", 0.4), normal({12, 3}, "weight_hh", 0.4),
       normal({count + 1, 3}, "states")},
      [=](auto&, auto x) {
        const auto result = lstm(x[0], crowd, {x[1], x[2]}, slice(x[3], 0, 0, count), slice(x[3], 0, 1, count + 1));
        return joined(x[3], result.output, result.h_n, result.c_n);
      },
      [=](std::span<const Tensor<double>> x) {
        const auto states = x[3].view();
        const std::vector<Tensor<double>> in = {x[0], x[1], x[2], Tensor<double>(states.rows(0, count)),
                                                Tensor<double>(states.rows(1, count + 1))};
        return joined({x[3], lstm_reference(in, crowd, {.biases = false, .states = true})});
      }));

  const Segments two({2, 1});
  const auto bad = [=](std::string label, std::vector<Shape> shapes, const LstmGiven& given, std::string expected) {
    return bad_call(
        std::move(label), std::move(shapes), [=](auto x) { lstm_call(x, two, given); }, std::move(expected));
  };
  const LstmGiven projected{.biases = false, .projection = true}, states{.biases = false, .states = true};
  out.bad = {
      bad("weight_hr", {{3, 2}, {8, 2}, {8, 3}, {3, 4}}, projected, "lstm: weight_hr is [3, 4], wanted [3, 2]"),
      bad("h0", {{3, 2}, {8, 2}, {8, 2}, {2, 3}, {2, 2}}, states,
          "lstm: initial hidden state is [2, 3], wanted [2, 2]"),
      bad("c0", {{3, 2}, {8, 2}, {8, 2}, {2, 2}, {3, 2}}, states, "lstm: initial cell state is [3, 2], wanted [2, 2]")};
  const auto with_biases = [=](auto x) {
    if (x.size() == 4) {
      lstm<float>(x[0], two, {x[1], x[2], x[3], {}});
    } else {
      lstm_call(x, two, {.biases = x.size() == 5});
    }
  };
  for (BadCall& refusal : recurrent_refusals("lstm", 4, with_biases)) out.bad.push_back(std::move(refusal));
  // Each input in turn is on another tape.
  for (BadCall& refusal :
       other_tape_refusals("lstm", {{3, 2}, {8, 2}, {8, 2}, {8}, {8}, {2, 2}, {2, 2}, {2, 2}},
                           [=](auto x) { lstm_call(x, two, {.projection = true, .states = true}); })) {
    out.bad.push_back(std::move(refusal));
  }
  return out;
});

}  // namespace heed::test
