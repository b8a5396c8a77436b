// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/gru.hpp"

#include "heed/kernels/reference/gru.hpp"
#include "ops/joined.hpp"
#include "ops/recurrent_samples.hpp"

namespace heed::test {

namespace {

/// The options of a sample. The inputs are x, weight_ih, weight_hh and then those that are given, in this order.
struct GruGiven {
  bool biases = true, state = false, reverse = false;
};

/// The inputs by name, each a Var or a Tensor.
template <class T>
struct GruInputs {
  T x, w_ih, w_hh, b_ih{}, b_hh{}, h0{};

  GruInputs(std::span<const T> in, const GruGiven& given) : x(in[0]), w_ih(in[1]), w_hh(in[2]) {
    if (given.biases) b_ih = in[3], b_hh = in[4];
    if (given.state) h0 = in[given.biases ? 5 : 3];
  }
};

template <class Scalar>
GruResult<Scalar> gru_call(std::span<const Var<Scalar>> in, const Segments& segments, const GruGiven& given) {
  const GruInputs<Var<Scalar>> n(in, given);
  return gru<Scalar>(n.x, segments, {n.w_ih, n.w_hh, n.b_ih, n.b_hh}, n.h0, given.reverse);
}

Tensor<double> gru_reference(std::span<const Tensor<double>> in, const Segments& segments, const GruGiven& given) {
  const GruInputs<Tensor<double>> n(in, given);
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

Sample gru_sample(std::string label, const Segments& segments, Index input, Index hidden, const GruGiven& given) {
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
        const auto result = gru_call(x, segments, given);
        return joined(result.output, result.h_n);
      },
      [=](std::span<const Tensor<double>> x) { return gru_reference(x, segments, given); });
}

}  // namespace

const SamplesOf gru_op("gru", []() -> OpSamples {
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
              gru_sample("wider than a register", ragged, 19, 17, {.state = true}),
              gru_sample("three groups", three_groups(), 2, 3, {.state = true})};

  const Segments two({2, 1});
  out.bad = recurrent_refusals("gru", 3, [=](auto x) {
    if (x.size() == 4) {
      gru<float>(x[0], two, {x[1], x[2], x[3], {}});
    } else {
      gru_call(x, two, {.biases = x.size() == 5});
    }
  });
  out.bad.push_back(bad_call(
      "h0", {{3, 2}, {6, 2}, {6, 2}, {2, 3}}, [=](auto x) { gru_call(x, two, {.biases = false, .state = true}); },
      "gru: initial state is [2, 3], wanted [2, 2]"));
  // Each input in turn is on another tape.
  for (BadCall& bad : other_tape_refusals("gru", {{3, 2}, {6, 2}, {6, 2}, {6}, {6}, {2, 2}},
                                          [=](auto x) { gru_call(x, two, {.state = true}); })) {
    out.bad.push_back(std::move(bad));
  }
  return out;
});

}  // namespace heed::test
