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
    // What nothing has come to is zeroed a sequence at a time, while its rows are near: where each of the three that
    // lies in the array has its own rows for rows, and all are cut alike. Otherwise all of it is, before anything adds.
    const bool one_cut = std::equal(qs.offsets, qs.offsets + qs.count + 1, ks.offsets);
    for (const Var<Scalar>& x : {q_in, k_in, v_in}) {
      if (const TensorView<Scalar> all = g.to_zero(x)) to_zero_[zeroed_++] = all.matrix();
    }
    q = g(q_in);
    k = g(k_in);
    v = g(v_in);
    const auto by_rows = [&](MatrixView<Scalar> all) {
      const auto fits = [&](MatrixView<Scalar> part) {
        const Index from = part.data() - all.data();
        return !part || from < 0 || from >= all.size() ||
               (part.rows() == all.rows() && part.row_stride() == all.cols() && from + part.cols() <= all.cols());
      };
      return one_cut && all.rows() == qs.tokens() && fits(q) && fits(k) && fits(v);
    };
    int kept = 0;
    for (int i = 0; i < zeroed_; ++i) {
      if (by_rows(to_zero_[i])) {
        to_zero_[kept++] = to_zero_[i];
      } else {
        std::fill_n(to_zero_[i].data(), to_zero_[i].size(), Scalar(0));
      }
    }
    zeroed_ = kept;
  }

  /// Calls `sequence(b, worker)`, which adds to sequence b's rows, for every b.
  template <class Sequence>
  void run(const Sequence& sequence) const {
    const auto step = [&](Index b, int worker) {
      for (int i = 0; i < zeroed_; ++i) {
        const MatrixView<Scalar> rows = to_zero_[i].rows(qs_.begin(b), qs_.end(b));
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
  MatrixView<Scalar> to_zero_[3];
  int zeroed_ = 0;
};

}  // namespace heed::inline HEED_ABI::detail
