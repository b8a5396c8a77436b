// SPDX-License-Identifier: Apache-2.0
// Gradients of attention's inputs, sequence by sequence: by several threads where they do not share memory.
#pragma once

#include <algorithm>

#include "heed/autograd/tape.hpp"
#include "heed/ops/detail/collide.hpp"

namespace heed::inline HEED_ABI::detail {

/// The gradients of query, key and value, for a backward function that adds to them sequence by sequence: query rows
/// are cut by `qs`, those of key and value by `ks`.
template <class Scalar>
class SequenceGradients {
 public:
  SequenceGradients(const Gradients<Scalar>& g, Var<Scalar> q_in, SegmentsView qs, Var<Scalar> k_in, Var<Scalar> v_in,
                    SegmentsView ks)
      : executor_(g.tape().executor()), qs_(qs), ks_(ks) {
    // What nothing has come to is zeroed a sequence at a time, while its rows are near, where no other cutting of the
    // same array could add to them before.
    const bool one_cut = std::equal(qs.offsets, qs.offsets + qs.count + 1, ks.offsets);
    const auto gradient_of = [&](Var<Scalar> x) {
      TensorView<Scalar> all = g.to_zero(x);
      if (all && one_cut && all.rows() == qs.tokens()) {
        to_zero_[zeroed_++] = all;
      } else if (all) {
        std::fill_n(all.data(), all.size(), Scalar(0));
      }
      return g(x);
    };
    q = gradient_of(q_in);
    k = gradient_of(k_in);
    v = gradient_of(v_in);
  }

  /// Calls `sequence(b, worker)`, which adds to sequence b's rows, for every b.
  template <class Sequence>
  void run(const Sequence& sequence) const {
    const auto step = [&](Index b, int worker) {
      for (int i = 0; i < zeroed_; ++i) {
        const TensorView<Scalar> rows = to_zero_[i].rows(qs_.begin(b), qs_.end(b));
        std::fill_n(rows.data(), rows.size(), Scalar(0));
      }
      sequence(b, worker);
    };
    if (collide<Scalar>(q, qs_, k, ks_) || collide<Scalar>(q, qs_, v, ks_) || collide<Scalar>(k, ks_, v, ks_)) {
      for (Index b = 0; b < qs_.count; ++b) step(b, 0);
    } else {
      executor_.run(qs_.count, step);
    }
  }

  TensorView<Scalar> q, k, v;  ///< empty where none is needed

 private:
  Executor& executor_;
  SegmentsView qs_, ks_;
  TensorView<Scalar> to_zero_[3];
  int zeroed_ = 0;
};

}  // namespace heed::inline HEED_ABI::detail
