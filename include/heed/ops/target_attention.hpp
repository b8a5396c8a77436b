// SPDX-License-Identifier: Apache-2.0
// Target attention over ragged sequences, as one operation.
#pragma once

#include <algorithm>
#include <span>

#include "heed/kernels/target_attention.hpp"
#include "heed/ops/detail/attention_operands.hpp"
#include "heed/ops/detail/dense.hpp"
#include "heed/ops/detail/sequence_gradients.hpp"

namespace heed::inline HEED_ABI {

struct TargetAttentionCall {
  Mask mask{};           ///< as in AttentionCall
  bool weights = false;  ///< as in AttentionCall
  Activation activation = Activation::sigmoid;
  bool softmax = true;  ///< of the scores over the visible keys; if false, the scores are the weights
};

namespace detail {

template <class Scalar>
void check_target_mlp(std::string_view operation, std::span<const Var<Scalar>> mlp, Index width) {
  if (mlp.empty() || mlp.size() % 2 != 0) {
    fail<ShapeError>(operation, mlp.size(), " weights and biases, wanted one of each a layer");
  }
  Index in = 4 * width;
  for (std::size_t l = 0; l < mlp.size(); l += 2) {
    const Index out = l + 2 < mlp.size() && mlp[l].shape().rank() == 2 ? mlp[l].rows() : 1;
    if (mlp[l].shape() != Shape{out, in} || mlp[l + 1].shape() != Shape{out}) {
      fail<ShapeError>(operation, "layer ", l / 2, " has weight ", mlp[l].shape(), " and bias ", mlp[l + 1].shape(),
                       ", wanted ", Shape{out, in}, " and ", Shape{out});
    }
    in = out;
  }
}

/// Returns segments that combine `grain` consecutive sequences each.
template <class Scalar>
SegmentsView grouped(Tape<Scalar>& tape, SegmentsView segments, Index grain) {
  const Index count = ceil_divide(segments.count, grain);
  Index* offsets = tape.scratch().template array<Index>(count + 1);
  for (Index c = 0; c <= count; ++c) offsets[c] = segments.offsets[std::min(c * grain, segments.count)];
  return {.count = count, .offsets = offsets};
}

}  // namespace detail

/// Returns context = weighted sum of v for q [query tokens, E], k [key tokens, E], v [key tokens, V]. The weights are
/// softmax_j(s_ij) over the visible keys or, without `softmax`, s_ij, 0 where hidden, with s_ij = MLP([q_i, k_j,
/// q_i - k_j, q_i * k_j]). `mlp` has the weight [out, in] and bias [out] of each layer: 4 E inputs to the first, one
/// output of the last, `activation` between layers. If requested, the weights are each sequence's [queries, keys],
/// concatenated; differentiable. Source: Zhou et al. (2018); q_i - k_j and q_i * k_j are from the authors' code.
template <class Scalar>
AttentionResult<Scalar> target_attention(Var<Scalar> q, SegmentsView q_segments, Var<Scalar> k, Var<Scalar> v,
                                         SegmentsView k_segments, std::span<const Var<Scalar>> mlp,
                                         const TargetAttentionCall& call = {}) {
  Tape<Scalar>& tape = tape_of("target_attention", q, k, v);
  for (const Var<Scalar>& x : mlp) tape_of("target_attention", q, x);
  detail::check_attention("target_attention", q, q_segments, k, v, k_segments);
  detail::check_target_mlp("target_attention", mlp, q.cols());
  const detail::AttentionOperands<Scalar> head("target_attention", tape, q, q_segments, k, v, k_segments,
                                               {call.mask, call.weights});
  const SegmentsView qs = head.qs, ks = head.ks;
  const Index width = q.cols(), depth = static_cast<Index>(mlp.size() / 2);

  auto* layers = tape.template allocate_array<kernels::TargetLayer<Scalar>>(depth);
  auto* inputs = tape.template allocate_array<Var<Scalar>>(3 + 2 * depth);
  inputs[0] = q;
  inputs[1] = k;
  inputs[2] = v;
  const Var<Scalar>* const parameters = std::copy(mlp.begin(), mlp.end(), inputs + 3) - 2 * depth;
  for (Index l = 0; l < depth; ++l) {
    const TensorView<const Scalar> weight = parameters[2 * l].value();
    TensorView<Scalar> transposed;
    if (l == 0) {
      transposed = tape.allocate({width, weight.rows()});
      for (Index r = 0; r < weight.rows(); ++r) {
        for (Index c = 0; c < width; ++c) transposed(c, r) = weight(r, c) + weight(r, 2 * width + c);
      }
    } else if (l + 1 < depth) {
      transposed = tape.allocate({weight.cols(), weight.rows()});
      kernels::transpose<Scalar>(weight, transposed);
    }
    layers[l] = {weight, transposed, parameters[2 * l + 1].value().data()};
  }
  const kernels::TargetMlp<Scalar> unit_mlp{layers, depth, call.activation, call.softmax};

  const Index scratch_size =
      kernels::target_attention_scratch(unit_mlp, ks.max_length, width, v.cols(), head.mask.per_pair());
  detail::run_with_scratch(tape, qs.count, scratch_size, [&](Index b, Scalar* scratch) {
    kernels::target_attention_forward<Scalar>(head.unit(b), unit_mlp, head.context_of(head.all, b),
                                              head.weights_of(head.all, b), scratch);
  });
  const std::span<const Var<Scalar>> of(inputs, static_cast<std::size_t>(3 + 2 * depth));
  const Var<Scalar> root = tape.record(of, head.all, [=](const Gradients<Scalar>& g) {
    Tape<Scalar>& t = g.tape();
    const bool trains =
        std::any_of(parameters, parameters + 2 * depth, [](Var<Scalar> x) { return x.requires_grad(); });
    ArenaScope scope(t.scratch());
    // All sequences use the MLP: each group of `grain` sequences has a partial gradient; these are summed in order.
    constexpr Index grain = 8;
    const SegmentsView q_groups = detail::grouped(t, qs, grain), k_groups = detail::grouped(t, ks, grain);
    const detail::SequenceGradients<Scalar> to(g, q, q_groups, k, v, k_groups);
    const Index size = trains ? unit_mlp.parameters() : 0;
    const auto shares = t.scratch().template tensor<Scalar>({q_groups.count, size});
    const auto group = [&](Index c, Scalar* scratch) {
      std::fill_n(shares.row(c), size, Scalar(0));
      for (Index b = c * grain; b < std::min((c + 1) * grain, qs.count); ++b) {
        kernels::target_attention_backward<Scalar>(
            head.unit(b), unit_mlp, head.context_of(g.output(), b), head.weights_of(g.output(), b),
            to.q().rows(qs.begin(b), qs.end(b)), to.k().rows(ks.begin(b), ks.end(b)),
            to.v().rows(ks.begin(b), ks.end(b)), trains ? shares.row(c) : nullptr, scratch);
      }
    };
    to.run(scratch_size, group);
    Index from = 0;
    for (Index i = 0; trains && i < 2 * depth; ++i) {
      const Index count = parameters[i].shape().size();
      if (const auto dx = g(parameters[i])) {
        detail::add_dense(
            t, dx, [&](Scalar* out) { kernels::add_column_sums<Scalar>(shares.columns(from, from + count), out); });
      }
      from += count;
    }
  });
  return head.result(tape, root);
}

}  // namespace heed::inline HEED_ABI
