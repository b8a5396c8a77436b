// SPDX-License-Identifier: Apache-2.0
// A common interface to attention and additive attention, forward and backward, to test properties of both.
#pragma once

#include "heed/ops/additive_attention.hpp"
#include "heed/ops/attention.hpp"
#include "properties/check.hpp"

namespace heed::test {

/// A batch for attention with `heads` heads, or for additive attention if `heads` is 0.
template <class Scalar>
struct Attended {
  Index heads;
  Segments q_segments, k_segments;
  Mask mask;
  Tensor<Scalar> q, k, v, w, d_context, d_weights;
  Tensor<Scalar> context, weights, dq, dk, dv;

  void run() {
    Tape<Scalar> tape;
    const auto x = tape.variable(q), y = tape.variable(k), z = tape.variable(v), score = tape.variable(w);
    const auto result =
        heads == 0 ? additive_attention(x, q_segments, y, z, k_segments, score, {.mask = mask, .weights = true})
                   : attention(x, q_segments, y, z, k_segments, {.mask = mask, .num_heads = heads, .weights = true});
    context = Tensor<Scalar>(result.context.value());
    weights = Tensor<Scalar>(result.weights.value());
    backward_from<Scalar>({{result.context, d_context}, {result.weights, d_weights}});
    dq = gradient_of(x);
    dk = gradient_of(y);
    dv = gradient_of(z);
  }
};

/// Returns a random batch of sequences of these lengths, with all keys visible.
template <class Scalar>
Attended<Scalar> attended(const std::vector<Index>& q_lengths, const std::vector<Index>& k_lengths) {
  Attended<Scalar> out;
  out.heads = between(0, 3);
  out.q_segments = segments_of(q_lengths);
  out.k_segments = segments_of(k_lengths);
  const Index many = std::max<Index>(out.heads, 1), width = many * between(1, 5), depth = many * between(1, 5);
  Index pairs = 0;
  for (std::size_t b = 0; b < q_lengths.size(); ++b) pairs += many * q_lengths[b] * k_lengths[b];
  out.q = numbers<Scalar>({out.q_segments.tokens(), width});
  out.k = numbers<Scalar>({out.k_segments.tokens(), width});
  out.v = numbers<Scalar>({out.k_segments.tokens(), depth});
  out.w = numbers<Scalar>({width});
  out.d_context = numbers<Scalar>({out.q_segments.tokens(), depth});
  out.d_weights = numbers<Scalar>({pairs});
  return out;
}

/// Returns the offset of the weights of sequence b, which has one matrix per head.
template <class Scalar>
Index weights_begin(const Attended<Scalar>& x, Index b) {
  Index at = 0;
  for (Index i = 0; i < b; ++i) at += std::max<Index>(x.heads, 1) * x.q_segments.length(i) * x.k_segments.length(i);
  return at;
}

/// Returns random visible (1) and hidden (0) pairs for `count` sequences of up to `queries` and `keys`.
inline Tensor<float> random_visibility(Index count, Index queries, Index keys) {
  const auto uniform = numbers<float>({count, queries, keys});
  Tensor<float> out(uniform.shape());
  for (Index i = 0; i < out.size(); ++i) out.data()[i] = uniform.data()[i] > -0.5f ? 1.0f : 0.0f;
  return out;
}

}  // namespace heed::test
