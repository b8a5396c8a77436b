// SPDX-License-Identifier: Apache-2.0
// The activation unit of the Deep Interest Network for one sequence, forward and backward (Zhou et al. 2018):
//
//   s_ij = MLP([q_i, k_j, q_i - k_j, q_i * k_j])   p_i = s_i or its softmax over the visible j
//   context_i = sum_j p_ij v_j
//
// The first layer's weight has a part for each of the four inputs: W_q, W_k, W_d and W_p. For one query it becomes a
// dense layer on the keys alone: with the diagonal matrix diag(q),
//
//   W [q, k, q - k, q * k] + b = (W_k - W_d + W_p diag(q)) k + (W_q + W_d) q + b
//
// so that the features of a pair are never formed and no [queries, keys] or [queries, keys, width] array is stored. The
// working set of a query, [its keys, hidden features], stays in the cache. Only visible pairs are computed.
#pragma once

#include <algorithm>

#include "heed/core/scratch_layout.hpp"
#include "heed/kernels/detail/additive_tiles.hpp"
#include "heed/kernels/detail/attention_unit.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/kernels/reduce.hpp"
#include "heed/kernels/scale.hpp"
#include "heed/kernels/softmax_row.hpp"

namespace heed::inline HEED_ABI::kernels {

/// A dense layer of the MLP.
template <class Scalar>
struct TargetLayer {
  MatrixView<const Scalar> weight;      ///< [out, in]
  MatrixView<const Scalar> transposed;  ///< [in, out]; of the first layer W_q + W_d; not used for a last layer after it
  const Scalar* bias = nullptr;         ///< [out]
};

/// The MLP: its first layer has 4 times the width of a query as input, its last layer returns one score.
template <class Scalar>
struct TargetMlp {
  const TargetLayer<Scalar>* layers = nullptr;
  Index depth = 0;  ///< number of layers
  Activation activation = Activation::identity;
  bool softmax = true;

  /// Returns the number of weights and biases: weight and bias of the first layer, of the second, ..
  Index parameters() const {
    Index size = 0;
    for (Index l = 0; l < depth; ++l) size += layers[l].weight.size() + layers[l].weight.rows();
    return size;
  }
};

namespace detail {

/// Processes one query at a time: its layer on the keys, its scores and, for the backward pass, its layers' outputs.
template <class Scalar, class Isa>
class Target {
  using P = simd::Pack<Scalar, Isa>;
  using View = MatrixView<Scalar>;
  using ConstView = MatrixView<const Scalar>;

 public:
  Target(const AttentionUnit<Scalar>& unit, const TargetMlp<Scalar>& mlp, Scalar* scratch)
      : Target(mlp, unit.keys(), unit.q.cols(), unit.v.cols(), unit.mask.per_pair(), scratch) {
    u_ = &unit;
  }
  /// Returns the scratch size in elements.
  static Index size(const TargetMlp<Scalar>& mlp, Index keys, Index width, Index depth, bool per_pair) {
    return Target(mlp, keys, width, depth, per_pair, nullptr).size_;
  }

  /// Computes the weights p() of query i. Returns false if it sees no key.
  bool take(Index i) {
    i_ = i;
    n_ = u_->key_end(i);
    k_ = u_->k.rows(0, n_);
    v_ = u_->v.rows(0, n_);
    if (u_->mask.per_pair()) gather();
    if (n_ == 0) return false;
    project();
    ConstView x = k_;
    for (Index l = 0; l + 1 < mlp_.depth; ++l) {
      const View z = rows(from_output() ? h_ : z_, l), h = rows(h_, l);
      gemm<Scalar, Isa>(x, layer(l).transposed, z, {.bias = layer(l).bias});
      activation_forward<Scalar, Isa>(mlp_.activation, z.size(), z.data(), h.data());
      x = h;
    }
    const TargetLayer<Scalar> last = layer(mlp_.depth - 1);
    dots(x, last.weight.row(0), p_);
    seen([&](Index at, Index j) {
      p_[at] += last.bias[0];
      if (u_->mask.additive != nullptr) p_[at] += u_->mask.additive[u_->mask.at(u_->segment, i_, j)];
    });
    if (mlp_.softmax) softmax_row<Scalar, Isa>(n_, p_, p_);
    return true;
  }
  ConstView p() const { return {p_, {1, n_}}; }
  ConstView v() const { return v_; }

  /// Calls fn(index among the visible keys, key) for the keys that the query sees.
  template <class F>
  void seen(const F& fn) const {
    const bool per_pair = u_->mask.per_pair();
    const Index end = per_pair ? u_->key_end(i_) : n_;
    for (Index j = 0, at = 0; j < end; ++j) {
      if (!per_pair || u_->visible(i_, j)) fn(at++, j);
    }
  }

  /// Runs the backward pass of the query, given the gradients of its context [V] and weights [keys] (may be null).
  void back(const Scalar* d_context, const Scalar* d_weights, View dq, View dk, View dv, Scalar* d_mlp) {
    dots(v_, d_context, d_);
    if (d_weights != nullptr) seen([&](Index at, Index j) { d_[at] += d_weights[j]; });
    if (dv) {
      const ConstView row(d_context, {1, v_.cols()});
      add_to(dv, dv_, [&](View out) { gemm_tn<Scalar, Isa>(p(), row, out, {.accumulate = true}); });
    }
    if (!dq && !dk && d_mlp == nullptr) return;
    if (mlp_.softmax) {
      const P mean(dot<Scalar, Isa>(n_, p_, d_));
      simd::for_each_pack<P>(n_, [&](Index j, Index n) {
        simd::store(simd::load<P>(p_ + j, n) * (simd::load<P>(d_ + j, n) - mean), d_ + j, n);
      });
    }
    back_through_layers(dk, d_mlp);
    back_through_projection(dq, d_mlp);
  }

 private:
  Target(const TargetMlp<Scalar>& mlp, Index keys, Index width, Index depth, bool per_pair, Scalar* scratch)
      : mlp_(mlp), keys_(keys) {
    ScratchLayout<Scalar> layout(scratch);
    const Index first = mlp.layers[0].weight.rows();
    Index hidden = 0, widest = 1;
    for (Index l = 0; l + 1 < mlp.depth; ++l) {
      hidden += mlp.layers[l].weight.rows();
      widest = std::max(widest, mlp.layers[l].weight.rows());
    }
    w_ = layout.matrix(first, width);
    dw_ = layout.matrix(first, width);
    wt_ = layout.matrix(width, first);
    b_ = layout.array(first);
    db_ = layout.array(first);
    p_ = layout.array(keys);
    d_ = layout.array(keys);
    h_ = layout.array(keys * hidden);
    z_ = from_output() ? h_ : layout.array(keys * hidden);
    for (Scalar*& x : dh_) x = layout.array(keys * widest);
    if (per_pair) {
      near_k_ = layout.matrix(keys, width);
      near_v_ = layout.matrix(keys, depth);
      dk_ = layout.matrix(keys, width);
      dv_ = layout.matrix(keys, depth);
    }
    size_ = layout.size();
  }

  bool from_output() const { return derivative_from_output(mlp_.activation); }
  /// Returns layer l; layer 0 is the query's layer on the keys.
  TargetLayer<Scalar> layer(Index l) const { return l == 0 ? TargetLayer<Scalar>{w_, wt_, b_} : mlp_.layers[l]; }
  /// Returns [visible keys, features of layer l] of h or z.
  View rows(Scalar* all, Index l) const {
    for (Index m = 0; m < l; ++m) all += keys_ * mlp_.layers[m].weight.rows();
    return {all, {n_, mlp_.layers[l].weight.rows()}};
  }

  /// Copies the visible keys and values into contiguous rows.
  void gather() {
    Index count = 0;
    seen([&](Index at, Index j) {
      std::copy_n(u_->k.row(j), u_->k.cols(), near_k_.row(at));
      std::copy_n(u_->v.row(j), u_->v.cols(), near_v_.row(at));
      count = at + 1;
    });
    n_ = count;
    k_ = near_k_.rows(0, n_);
    v_ = near_v_.rows(0, n_);
  }
  /// Calls add(rows) on the gradient of the visible keys' rows; `near` is scratch for rows that a mask separates.
  template <class Add>
  void add_to(View all, View near, const Add& add) {
    if (!u_->mask.per_pair()) {
      add(all.rows(0, n_));
      return;
    }
    std::fill_n(near.data(), n_ * near.cols(), Scalar(0));
    add(near.rows(0, n_));
    seen([&](Index at, Index j) { add_scaled<Scalar, Isa>(near.cols(), near.row(at), Scalar(1), all.row(j)); });
  }

  /// Computes the query's layer on the keys.
  void project() {
    const TargetLayer<Scalar>& first = mlp_.layers[0];
    const Index width = w_.cols();
    const Scalar* q = u_->q.row(i_);
    for (Index r = 0; r < w_.rows(); ++r) {
      const Scalar* w = first.weight.row(r) + width;
      simd::for_each_pack<P>(width, [&](Index c, Index n) {
        const P own = simd::load<P>(w + c, n) - simd::load<P>(w + width + c, n);
        simd::store(fma(simd::load<P>(q + c, n), simd::load<P>(w + 2 * width + c, n), own), w_.row(r) + c, n);
      });
    }
    if (mlp_.depth > 1) transpose<Scalar, Isa>(w_, wt_);
    gemm<Scalar, Isa>({q, {1, width}}, first.transposed, {b_, {1, w_.rows()}}, {.bias = first.bias});
  }

  /// out[j] = x_j . y
  void dots(ConstView x, const Scalar* y, Scalar* out) const {
    for (Index j = 0; j < x.rows(); j += P::width) {
      row_dots<P>(x.rows(j, std::min(j + P::width, x.rows())), y, out + j);
    }
  }

  /// Adds the gradient of a bias, except of the last before a softmax, where it is 0 up to rounding.
  void add_bias_gradient(Index l, ConstView dz, Scalar* out) const {
    if (!mlp_.softmax || l + 1 < mlp_.depth) add_column_sums<Scalar, Isa>(dz, out);
  }

  /// Computes from ds in d_ the gradients of the layers after the first, the query's layer (dw_, db_) and the keys.
  void back_through_layers(View dk, Scalar* d_mlp) {
    Scalar* end = d_mlp == nullptr ? nullptr : d_mlp + mlp_.parameters();
    ConstView dz(d_, {n_, 1});
    for (Index l = mlp_.depth - 1; l > 0; --l) {
      const ConstView weight = mlp_.layers[l].weight;
      const View h = rows(h_, l - 1), dx(dh_[l % 2], {h.rows(), h.cols()});
      if (d_mlp != nullptr) {
        end -= weight.rows();
        add_bias_gradient(l, dz, end);
        end -= weight.size();
        gemm_tn<Scalar, Isa>(dz, h, {end, {weight.rows(), weight.cols()}}, {.accumulate = true});
      }
      gemm<Scalar, Isa>(dz, weight, dx);
      const Scalar *z = rows(z_, l - 1).data(), *y = h.data();
      simd::for_each_pack<P>(dx.size(), [&](Index i, Index n) {
        const P slope = activation_slope(mlp_.activation, simd::load<P>(z + i, n), simd::load<P>(y + i, n));
        simd::store(slope * simd::load<P>(dx.data() + i, n), dx.data() + i, n);
      });
      dz = dx;
    }
    gemm_tn<Scalar, Isa>(dz, k_, dw_);
    std::fill_n(db_, w_.rows(), Scalar(0));
    add_bias_gradient(0, dz, db_);
    if (dk) add_to(dk, dk_, [&](View out) { gemm<Scalar, Isa>(dz, w_, out, {.accumulate = true}); });
  }

  /// Computes the gradients of the first layer and of the query from dw_ and db_.
  void back_through_projection(View dq, Scalar* d_mlp) {
    const ConstView weight = mlp_.layers[0].weight;
    const Index width = w_.cols();
    const Scalar* q = u_->q.row(i_);
    for (Index r = 0; r < w_.rows(); ++r) {
      const P b(db_[r]);
      simd::for_each_pack<P>(width, [&](Index c, Index n) {
        const P g = simd::load<P>(dw_.row(r) + c, n);
        if (dq) {
          const Scalar* w = weight.row(r) + c;
          const P own = simd::load<P>(w, n) + simd::load<P>(w + 2 * width, n);
          Scalar* out = dq.row(i_) + c;
          simd::store(fma(g, simd::load<P>(w + 3 * width, n), fma(b, own, simd::load<P>(out, n))), out, n);
        }
        if (d_mlp == nullptr) return;
        const P x = simd::load<P>(q + c, n), bx = b * x;
        const auto add = [&](Index part, P value) {
          Scalar* out = d_mlp + r * weight.cols() + part * width + c;
          simd::store(simd::load<P>(out, n) + value, out, n);
        };
        add(0, bx);
        add(1, g);
        add(2, bx - g);
        add(3, x * g);
      });
    }
    if (d_mlp != nullptr) add_scaled<Scalar, Isa>(w_.rows(), db_, Scalar(1), d_mlp + weight.size());
  }

  const AttentionUnit<Scalar>* u_ = nullptr;
  const TargetMlp<Scalar>& mlp_;
  Index keys_, size_ = 0, i_ = 0, n_ = 0;  ///< the query, and the number of keys it sees
  ConstView k_, v_;                        ///< of those keys
  View w_, dw_, wt_;                       ///< [first features, E] and its transpose: the query's layer
  Scalar *b_, *db_;                        ///< [first features]
  Scalar *p_, *d_;                         ///< [keys]
  Scalar *h_, *z_;                         ///< [keys, features] of each hidden layer: after and before the activation
  Scalar* dh_[2];                          ///< [keys, features] of two adjacent layers
  View near_k_, near_v_, dk_, dv_;         ///< rows of visible keys, if a mask hides some between them
};

}  // namespace detail

/// Returns the scratch size in elements for one worker; `per_pair` is that of the mask.
template <class Scalar>
Index target_attention_scratch(const TargetMlp<Scalar>& mlp, Index keys, Index width, Index depth, bool per_pair) {
  return detail::Target<Scalar, simd::NativeIsa>::size(mlp, keys, width, depth, per_pair);
}

/// Overwrites context [queries, width of v] and, if not null, `weights` [queries, keys], 0 where hidden.
template <class Scalar, class Isa = simd::NativeIsa>
void target_attention_forward(const AttentionUnit<Scalar>& u, const TargetMlp<Scalar>& mlp, MatrixView<Scalar> context,
                              Scalar* weights, Scalar* scratch) noexcept {
  detail::Target<Scalar, Isa> target(u, mlp, scratch);
  if (weights != nullptr) std::fill_n(weights, u.queries() * u.keys(), Scalar(0));
  for (Index i = 0; i < u.queries(); ++i) {
    if (!target.take(i)) {
      std::fill_n(context.row(i), context.cols(), Scalar(0));
      continue;
    }
    gemm<Scalar, Isa>(target.p(), target.v(), context.rows(i, i + 1));
    if (weights != nullptr) target.seen([&](Index at, Index j) { weights[i * u.keys() + j] = target.p()[at]; });
  }
}

/// Adds to dq, dk, dv (each may be empty) and to d_mlp (in the order of `TargetMlp::parameters`; may be null).
template <class Scalar, class Isa = simd::NativeIsa>
void target_attention_backward(const AttentionUnit<Scalar>& u, const TargetMlp<Scalar>& mlp,
                               MatrixView<const Scalar> d_context, const Scalar* d_weights, MatrixView<Scalar> dq,
                               MatrixView<Scalar> dk, MatrixView<Scalar> dv, Scalar* d_mlp, Scalar* scratch) noexcept {
  detail::Target<Scalar, Isa> target(u, mlp, scratch);
  for (Index i = 0; i < u.queries(); ++i) {
    if (!target.take(i)) continue;
    target.back(d_context.row(i), d_weights == nullptr ? nullptr : d_weights + i * u.keys(), dq, dk, dv, d_mlp);
  }
}

}  // namespace heed::inline HEED_ABI::kernels
