// SPDX-License-Identifier: Apache-2.0
// Losses of a target against sampled negatives, one tile of rows at a time, and products with rows of a table that are
// looked up without a copy. Logits are stored [candidates, rows] as in linear_cross_entropy: a register holds one
// candidate of adjacent rows.
#pragma once

#include <algorithm>
#include <cstdint>

#include "heed/core/options.hpp"
#include "heed/core/view.hpp"
#include "heed/kernels/prefetch.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

/// The loss of one row with logit t of its target and logits n_j of its N negatives; S is the sigmoid.
enum class SampledLoss : std::uint8_t {
  softmax,  ///< -log (e^t / (e^t + sum_j e^n_j)) (sampled softmax: Jean et al. 2015)
  bce,      ///< -log S(t) - sum_j log (1 - S(n_j)) (SASRec: Kang and McAuley 2018, eq. 6)
  gbce      ///< -(beta log S(t) + sum_j log (1 - S(n_j))) / (1 + N) (gSASRec: Petrov and Macdonald 2023, eq. 8)
};
constexpr auto names(SampledLoss) { return enum_names("softmax", "bce", "gbce"); }

/// Replaces logits [1 + N, rows], the targets' first, by the gradients of the losses with respect to them. Returns the
/// sum of the losses. A logit of -infinity hides a negative (N still counts it). `beta` is that of gBCE.
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
    loss += static_cast<double>(reduce_sum(keep_first(each, n, zero)));
  });
  return share * loss;
}

namespace detail {

/// Calls use(r, j, row of table(items[r N + j])) for r, then j, in ascending order. The hardware cannot predict the
/// rows, so they are prefetched.
template <class Scalar, class Use>
void for_each_item(Index rows, Index negatives, MatrixView<Scalar> table, const Index* items, Use&& use) noexcept {
  constexpr Index ahead = 8;  // with 64 columns, covers the latency of the L3 cache and nearly that of memory
  const Index size = rows * negatives;
  for (Index i = 0; i < std::min(ahead, size); ++i) prefetch(table.row(items[i]), 0, table.cols());
  for (Index r = 0, i = 0; r < rows; ++r) {
    for (Index j = 0; j < negatives; ++j, ++i) {
      if (i + ahead < size) prefetch(table.row(items[i + ahead]), 0, table.cols());
      use(r, j, table.row(items[i]));
    }
  }
}

}  // namespace detail

/// y(j, r) = scale x_rows[r] . table(items[r N + j]), y [N, R].
template <class Scalar, class Isa = simd::NativeIsa>
void dot_items(MatrixView<const Scalar> x, const Index* rows, MatrixView<const Scalar> table, const Index* items,
               Scalar scale, MatrixView<Scalar> y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  detail::for_each_item(y.cols(), y.rows(), table, items, [&](Index r, Index j, const Scalar* item) {
    const Scalar* const row = x.row(rows[r]);
    P sum(Scalar(0));
    simd::for_each_pack<P>(
        x.cols(), [&](Index k, Index n) { sum = fma(simd::load<P>(row + k, n), simd::load<P>(item + k, n), sum); });
    y(j, r) = scale * reduce_sum(sum);
  });
}

/// dx_rows[r] += factor dy(j, r) table(items[r N + j]), dy [N, R], in ascending order of j.
template <class Scalar, class Isa = simd::NativeIsa>
void add_items(MatrixView<const Scalar> dy, MatrixView<const Scalar> table, const Index* items, Scalar factor,
               MatrixView<Scalar> dx, const Index* rows) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  detail::for_each_item(dy.cols(), dy.rows(), table, items, [&](Index r, Index j, const Scalar* item) {
    Scalar* const to = dx.row(rows[r]);
    const P g(factor * dy(j, r));
    simd::for_each_pack<P>(dx.cols(), [&](Index k, Index n) {
      simd::store(fma(g, simd::load<P>(item + k, n), simd::load<P>(to + k, n)), to + k, n);
    });
  });
}

/// dtable(items[r N + j]) += factor dy(j, r) x_rows[r], in ascending order of r, then j. To run in parallel, give each
/// worker the same columns of x and dtable: blocks of columns are independent.
template <class Scalar, class Isa = simd::NativeIsa>
void scatter_items(MatrixView<const Scalar> dy, MatrixView<const Scalar> x, const Index* rows, const Index* items,
                   Scalar factor, MatrixView<Scalar> dtable) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  detail::for_each_item(dy.cols(), dy.rows(), dtable, items, [&](Index r, Index j, Scalar* to) {
    const Scalar* const row = x.row(rows[r]);
    const P g(factor * dy(j, r));
    simd::for_each_pack<P>(x.cols(), [&](Index k, Index n) {
      simd::store(fma(g, simd::load<P>(row + k, n), simd::load<P>(to + k, n)), to + k, n);
    });
  });
}

}  // namespace heed::inline HEED_ABI::kernels
