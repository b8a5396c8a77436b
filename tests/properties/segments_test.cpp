// SPDX-License-Identifier: Apache-2.0
// The results of a ragged batch have the same bits as those of its sequences computed separately.
#include "heed/ops/lstm.hpp"
#include "properties/attended.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::test;

template <class Scalar>
void attention_of_each_alone() {
  const Index count = between(1, 5);
  auto batch = attended<Scalar>(lengths(count, 20), lengths(count, 20));
  const bool causal = *rc::gen::arbitrary<bool>();
  if (causal) batch.mask = Mask::causal();
  batch.run();
  for (Index b = 0; b < count; ++b) {
    const Index q0 = batch.q_segments.begin(b), q1 = batch.q_segments.end(b);
    const Index k0 = batch.k_segments.begin(b), k1 = batch.k_segments.end(b);
    const Index w0 = weights_begin(batch, b), w1 = weights_begin(batch, b + 1);
    const auto part = [&](const Tensor<Scalar>& flat) {
      Tensor<Scalar> out({w1 - w0});
      std::copy_n(flat.data() + w0, w1 - w0, out.data());
      return out;
    };
    Attended<Scalar> alone = batch;
    alone.q_segments = Segments{q1 - q0};
    alone.k_segments = Segments{k1 - k0};
    alone.q = rows_of(batch.q, q0, q1);
    alone.k = rows_of(batch.k, k0, k1);
    alone.v = rows_of(batch.v, k0, k1);
    alone.d_context = rows_of(batch.d_context, q0, q1);
    alone.d_weights = part(batch.d_weights);
    alone.run();
    RC_ASSERT(same_bits(alone.context, rows_of(batch.context, q0, q1)));
    RC_ASSERT(same_bits(alone.weights, part(batch.weights)));
    RC_ASSERT(same_bits(alone.dq, rows_of(batch.dq, q0, q1)));
    RC_ASSERT(same_bits(alone.dk, rows_of(batch.dk, k0, k1)));
    RC_ASSERT(same_bits(alone.dv, rows_of(batch.dv, k0, k1)));
  }
}

/// An LSTM layer over a batch, forward and backward.
template <class Scalar>
struct Encoded {
  Segments segments;
  bool reverse;
  Tensor<Scalar> x, w_ih, w_hh, bias, w_hr, h0, c0, d_output, d_h_n, d_c_n;
  Tensor<Scalar> output, h_n, c_n, dx, d_h0, d_c0;

  void run() {
    Tape<Scalar> tape;
    const auto in = tape.variable(x), h = tape.variable(h0), c = tape.variable(c0), b = tape.constant(bias);
    const LstmWeights<Scalar> weights{tape.constant(w_ih), tape.constant(w_hh), b, b,
                                      w_hr.size() > 0 ? tape.constant(w_hr) : Var<Scalar>()};
    const auto result = lstm(in, segments, weights, h, c, reverse);
    output = Tensor<Scalar>(result.output.value());
    h_n = Tensor<Scalar>(result.h_n.value());
    c_n = Tensor<Scalar>(result.c_n.value());
    backward_from<Scalar>({{result.output, d_output}, {result.h_n, d_h_n}, {result.c_n, d_c_n}});
    dx = gradient_of(in);
    d_h0 = gradient_of(h);
    d_c0 = gradient_of(c);
  }
};

template <class Scalar>
void lstm_of_each_alone() {
  const Index count = between(1, 70), input = between(1, 9), H = between(1, 20);
  const bool projected = *rc::gen::arbitrary<bool>();
  const Index R = projected ? between(1, 9) : H;
  Encoded<Scalar> batch;
  batch.segments = segments_of(lengths(count, 6));
  batch.reverse = *rc::gen::arbitrary<bool>();
  const Index tokens = batch.segments.tokens();
  batch.x = numbers<Scalar>({tokens, input});
  batch.w_ih = numbers<Scalar>({4 * H, input});
  batch.w_hh = numbers<Scalar>({4 * H, R});
  batch.bias = numbers<Scalar>({4 * H});
  batch.w_hr = numbers<Scalar>({projected ? R : 0, H});
  batch.h0 = numbers<Scalar>({count, R});
  batch.c0 = numbers<Scalar>({count, H});
  batch.d_output = numbers<Scalar>({tokens, R});
  batch.d_h_n = numbers<Scalar>({count, R});
  batch.d_c_n = numbers<Scalar>({count, H});
  batch.run();
  for (Index s = 0; s < count; s += 1 + count / 8) {
    const Index begin = batch.segments.begin(s), end = batch.segments.end(s);
    Encoded<Scalar> alone = batch;
    alone.segments = Segments{end - begin};
    alone.x = rows_of(batch.x, begin, end);
    alone.d_output = rows_of(batch.d_output, begin, end);
    for (auto Encoded<Scalar>::*state :
         {&Encoded<Scalar>::h0, &Encoded<Scalar>::c0, &Encoded<Scalar>::d_h_n, &Encoded<Scalar>::d_c_n}) {
      alone.*state = rows_of(batch.*state, s, s + 1);
    }
    alone.run();
    RC_ASSERT(same_bits(alone.output, rows_of(batch.output, begin, end)));
    RC_ASSERT(same_bits(alone.h_n, rows_of(batch.h_n, s, s + 1)));
    RC_ASSERT(same_bits(alone.c_n, rows_of(batch.c_n, s, s + 1)));
    RC_ASSERT(same_bits(alone.dx, rows_of(batch.dx, begin, end)));
    RC_ASSERT(same_bits(alone.d_h0, rows_of(batch.d_h0, s, s + 1)));
    RC_ASSERT(same_bits(alone.d_c0, rows_of(batch.d_c0, s, s + 1)));
  }
}

TEST_CASE("attention over a ragged batch equals attention over each sequence") {
  check_holds(attention_of_each_alone<float>, attention_of_each_alone<double>);
}

TEST_CASE("an LSTM over a ragged batch equals an LSTM over each sequence") {
  check_holds(lstm_of_each_alone<float>, lstm_of_each_alone<double>);
}

}  // namespace HEED_TEST_UNIT
