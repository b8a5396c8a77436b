// SPDX-License-Identifier: Apache-2.0
// Losses of a target against sampled negatives, a tile of rows at a time, and the products with rows of a table that
// are looked up, not copied. As in linear_cross_entropy, items go down and rows across: a register holds one candidate
// of neighbouring rows.
#pragma once

#include <cstdint>
#include <limits>

#include "heed/core/view.hpp"
#include "heed/kernels/detail/keep_first.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

/// The loss of one row with logit t of its target and n_j of its N negatives; S is the sigmoid.
enum class SampledLoss : std::uint8_t {
  softmax,  ///< -log (e^t / (e^t + sum_j e^n_j)) (sampled softmax: Jean et al. 2015)
  bce,      ///< -log S(t) - sum_j log (1 - S(n_j)) (SASRec: Kang and McAuley 2018, eq. 6)
  gbce      ///< -(beta log S(t) + sum_j log (1 - S(n_j))) / (1 + N) (gSASRec: Petrov and Macdonald 2023, eq. 8)
};

/// logits [1 + N, rows], the targets' first, become the gradients of the losses by them; returns the sum of the losses.
/// -infinity hides a negative (N counts it still). `beta` is gBCE's.
template <class Scalar, class Isa = simd::NativeIsa>
double sampled_losses(SampledLoss kind, double beta, MatrixView<Scalar> logits) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index candidates = logits.rows();
  const P zero(Scalar(0)), one(Scalar(1));
  // log (1 + e^x) and the sigmoid of x from one exponential and one division; log (1 + z) as in bce_with_logits.
  const auto softplus = [&](P x, P& sigmoid) {
    const P z = exp_nonpositive(-abs(x)), w = one + z, inverse = one / w;
    sigmoid = select(x < zero, z * inverse, inverse);
    return max(x, zero) + (log(w) + (z - (w - one)) * inverse);
  };
  const double share = kind == SampledLoss::gbce ? 1 / static_cast<double>(candidates) : 1;
  const P weight(static_cast<Scalar>(share)), positive(static_cast<Scalar>(kind == SampledLoss::gbce ? beta : 1));
  double loss = 0;
  simd::for_each_pack<P>(logits.cols(), [&](Index r, Index n) {
    const auto at = [&](Index j) { return simd::load<P>(logits.row(j) + r, n); };
    const auto put = [&](Index j, P value) { simd::store(value, logits.row(j) + r, n); };
    const P target = at(0);
    P each;
    if (kind == SampledLoss::softmax) {
      P most = target, total = zero;
      for (Index j = 1; j < candidates; ++j) most = max(at(j), most);
      for (Index j = 0; j < candidates; ++j) {
        const P e = exp_nonpositive(at(j) - most);
        total = total + e;
        put(j, e);
      }
      const P inverse = one / total;
      for (Index j = 0; j < candidates; ++j) put(j, at(j) * inverse);
      put(0, at(0) - one);
      each = most - target + log(total);
    } else {
      P sigmoid;
      each = positive * softplus(-target, sigmoid);
      put(0, -(positive * weight * sigmoid));
      for (Index j = 1; j < candidates; ++j) {
        each = each + softplus(at(j), sigmoid);
        put(j, weight * sigmoid);
      }
    }
    loss += static_cast<double>(reduce_sum(detail::keep_first(each, n, zero)));
  });
  return share * loss;
}

/// y(j, r) = x_r . table(items[r N + j]), x [rows, d], y [N, rows].
template <class Scalar, class Isa = simd::NativeIsa>
void dot_items(MatrixView<const Scalar> x, MatrixView<const Scalar> table, const Index* items,
               MatrixView<Scalar> y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  for (Index r = 0; r < y.cols(); ++r) {
    const Scalar* const row = x.row(r);
    for (Index j = 0; j < y.rows(); ++j) {
      const Scalar* const item = table.row(items[r * y.rows() + j]);
      P sum(Scalar(0));
      simd::for_each_pack<P>(
          x.cols(), [&](Index k, Index n) { sum = fma(simd::load<P>(row + k, n), simd::load<P>(item + k, n), sum); });
      y(j, r) = reduce_sum(sum);
    }
  }
}

/// dx_r += sum_j dy(j, r) table(items[r N + j]), j in ascending order.
template <class Scalar, class Isa = simd::NativeIsa>
void add_items(MatrixView<const Scalar> dy, MatrixView<const Scalar> table, const Index* items,
               MatrixView<Scalar> dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  for (Index r = 0; r < dy.cols(); ++r) {
    simd::for_each_pack<P>(dx.cols(), [&](Index k, Index n) {
      P sum = simd::load<P>(dx.row(r) + k, n);
      for (Index j = 0; j < dy.rows(); ++j) {
        sum = fma(P(dy(j, r)), simd::load<P>(table.row(items[r * dy.rows() + j]) + k, n), sum);
      }
      simd::store(sum, dx.row(r) + k, n);
    });
  }
}

/// dtable(items[r N + j]) += factor dy(j, r) x_r, in ascending order of r, then j. To share the work, give every worker
/// the same columns of x and dtable: blocks of columns never meet.
template <class Scalar, class Isa = simd::NativeIsa>
void scatter_items(MatrixView<const Scalar> dy, MatrixView<const Scalar> x, const Index* items, Scalar factor,
                   MatrixView<Scalar> dtable) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  for (Index r = 0; r < dy.cols(); ++r) {
    for (Index j = 0; j < dy.rows(); ++j) {
      Scalar* const to = dtable.row(items[r * dy.rows() + j]);
      const P g(factor * dy(j, r));
      simd::for_each_pack<P>(x.cols(), [&](Index k, Index n) {
        simd::store(fma(g, simd::load<P>(x.row(r) + k, n), simd::load<P>(to + k, n)), to + k, n);
      });
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels
