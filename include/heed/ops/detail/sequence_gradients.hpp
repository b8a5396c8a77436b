// SPDX-License-Identifier: Apache-2.0
// Gradients of attention's inputs, added sequence by sequence, in parallel if the inputs do not share memory.
#pragma once

#include <algorithm>

#include "heed/ops/detail/collide.hpp"
#include "heed/ops/detail/gradient_sink.hpp"
#include "heed/ops/detail/run_with_scratch.hpp"

namespace heed::inline HEED_ABI::detail {

/// The gradients with respect to query, key and value, for a backward function that adds to them sequence by sequence:
/// `qs` are the sequences of the query's rows, `ks` those of the rows of key and value.
template <class Scalar>
class SequenceGradients {
  using Sink = GradientSink<Scalar>;

 public:
  SequenceGradients(const Gradients<Scalar>& g, Var<Scalar> query, SegmentsView qs, Var<Scalar> key, Var<Scalar> value,
                    SegmentsView ks)
      : tape_(g.tape()), qs_(qs), ks_(ks) {
    // If each sequence has the same rows in all three and in the arrays that they are views of, uninitialised rows are
    // zeroed sequence by sequence, just before they are added to; else all of them before the first sequence.
    const bool by_sequence = std::equal(qs.offsets, qs.offsets + qs.count + 1, ks.offsets) &&
                             Sink::has_array_rows(g, query) && Sink::has_array_rows(g, key) &&
                             Sink::has_array_rows(g, value);
    const auto sink = [&](Var<Scalar> x) { return by_sequence ? Sink(g, x, Sink::Clearing::rows) : Sink(g(x)); };
    q_ = sink(query);
    k_ = sink(key);
    v_ = sink(value);
  }

  /// Empty if no gradient is needed.
  const TensorView<Scalar>& q() const { return q_.view(); }
  const TensorView<Scalar>& k() const { return k_.view(); }
  const TensorView<Scalar>& v() const { return v_.view(); }

  /// Calls `sequence(b, scratch)`, which adds to sequence b's rows, for every b, with a buffer of `size` elements.
  template <class Sequence>
  void run(Index size, const Sequence& sequence) const {
    const bool in_order = collide<Scalar>(q(), qs_, k(), ks_) || collide<Scalar>(q(), qs_, v(), ks_) ||
                          collide<Scalar>(k(), ks_, v(), ks_);
    const auto step = [&](Index b, Scalar* scratch) {
      for (const Sink* sink : {&q_, &k_, &v_}) sink->zero_rows(qs_.begin(b), qs_.end(b));
      sequence(b, scratch);
    };
    run_with_scratch(tape_, qs_.count, size, step, in_order);
  }

 private:
  Tape<Scalar>& tape_;
  SegmentsView qs_, ks_;
  Sink q_, k_, v_;
};

}  // namespace heed::inline HEED_ABI::detail
