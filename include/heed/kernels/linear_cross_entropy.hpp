// SPDX-License-Identifier: Apache-2.0
// Cross-entropy over a catalogue, fused with the product that computes its logits. A tile of rows is processed against
// a block of items at a time, so that the logits are never all in memory (Cut Cross-Entropy, arXiv 2411.09009), and
// both gradients use the exponentials of the loss, which are not computed twice (Liger Kernel, arXiv 2410.10989). The
// gradient of the rows is summed while a block's exponentials are in the cache, and rescaled when the running maximum
// of the logits rises, as in online softmax (FlashAttention, arXiv 2205.14135). The gradient of the weights requires
// the final sums and is a second pass. Logits are stored [items, rows]: a register holds one item's logits of adjacent
// rows, and no sum over items crosses a register.
#pragma once

#include <cmath>
#include <limits>

#include "heed/core/view.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/kernels/scale.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Rows per tile and items per block: constants, because sums are split there.
inline constexpr Index catalogue_tile = 64, catalogue_block = 96;

/// Processes a block of items c = first .. against a tile of rows r, after other blocks. With l_cr = w_c . x_r +
/// bias_c, top_r rises to the greatest logit so far, and relative to it e_cr = exp(l_cr - top_r), sum_r += sum_c e_cr
/// and dx_r += sum_c e_cr w_c. If targets[r] is in the block, hit[r] is its logit. (Sums over blocks are in double: the
/// tail of a large catalogue would be lost beside one large term.)
/// weight [block, d], bias [block] or null, x_t [d, tile], e [block, tile]; targets, top (at first -infinity), sum (at
/// first 0), hit [tile]; dx [tile, d] (at first 0) or null.
template <class Scalar, class Isa = simd::NativeIsa>
void catalogue_exponentials(MatrixView<const Scalar> weight, const Scalar* bias, MatrixView<const Scalar> x_t,
                            Index first, const Index* targets, MatrixView<Scalar> e, Scalar* top, double* sum,
                            Scalar* hit, MatrixView<Scalar> dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index items = e.rows(), rows = e.cols();
  const P lowest(-std::numeric_limits<Scalar>::infinity()), zero(Scalar(0));
  if (bias != nullptr) {
    for (Index c = 0; c < items; ++c) {
      simd::for_each_pack<P>(rows, [&](Index r, Index n) { simd::store(P(bias[c]), e.row(c) + r, n); });
    }
  }
  gemm<Scalar, Isa>(weight, x_t, e, {.accumulate = bias != nullptr});
  for (Index r = 0; r < rows; ++r) {
    if (targets[r] >= first && targets[r] < first + items) hit[r] = e(targets[r] - first, r);
  }
  Scalar factor[catalogue_tile], total[catalogue_tile];  // rescales earlier sums; sums of this block
  simd::for_each_pack<P>(rows, [&](Index r, Index n) {
    const P before = simd::load<P>(top + r, n);
    P most = before;
    for (Index c = 0; c < items; ++c) most = max(simd::load<P>(e.row(c) + r, n), most);
    const P reference = select(most == lowest, zero, most);  // exp(-infinity - 0) is 0
    P block_total = zero;
    for (Index c = 0; c < items; ++c) {
      const P y = exp_nonpositive(simd::load<P>(e.row(c) + r, n) - reference);
      simd::store(y, e.row(c) + r, n);
      block_total = block_total + y;
    }
    simd::store(most, top + r, n);
    simd::store(block_total, total + r, n);
    simd::store(exp_nonpositive(before - reference), factor + r, n);
  });
  for (Index r = 0; r < rows; ++r) {
    sum[r] = sum[r] * static_cast<double>(factor[r]) + static_cast<double>(total[r]);
    if (dx && factor[r] != Scalar(1)) {
      scale_forward<Scalar, Isa>(dx.cols(), dx.row(r), factor[r], Scalar(0), dx.row(r));
    }
  }
  if (!dx) return;
  gemm_tn<Scalar, Isa>(e, weight, dx, {.accumulate = true});
}

/// From `top` and `sum` [parts, tile] of the parts of the catalogue and the targets' logits `hit`, returns the sum over
/// the tile of -log p of the target. Writes greatest_r = max_p top_pr, share_r = 1 / sum_c exp(l_cr - greatest_r) and
/// factor_pr = exp(top_pr - greatest_r) share_r, which turns the sums of a part into those of probabilities.
template <class Scalar, class Isa = simd::NativeIsa>
double catalogue_losses(MatrixView<const Scalar> top, MatrixView<const double> sum, const Scalar* hit, Scalar* greatest,
                        Scalar* share, MatrixView<Scalar> factor) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index rows = top.cols();
  double total[catalogue_tile] = {}, loss = 0;
  simd::for_each_pack<P>(rows, [&](Index r, Index n) {
    P most(-std::numeric_limits<Scalar>::infinity());
    for (Index p = 0; p < top.rows(); ++p) most = max(simd::load<P>(top.row(p) + r, n), most);
    simd::store(most, greatest + r, n);
  });
  for (Index p = 0; p < top.rows(); ++p) {
    simd::for_each_pack<P>(rows, [&](Index r, Index n) {
      simd::store(exp_nonpositive(simd::load<P>(top.row(p) + r, n) - simd::load<P>(greatest + r, n)), factor.row(p) + r,
                  n);
    });
    for (Index r = 0; r < rows; ++r) total[r] += sum(p, r) * static_cast<double>(factor(p, r));
  }
  for (Index r = 0; r < rows; ++r) {
    loss += static_cast<double>(greatest[r] - hit[r]) + std::log(total[r]);
    share[r] = static_cast<Scalar>(1 / total[r]);
  }
  for (Index p = 0; p < top.rows(); ++p) {
    for (Index r = 0; r < rows; ++r) factor(p, r) *= share[r];
  }
  return loss;
}

/// With p_cr = e_cr exp(top_r - greatest_r) share_r and g_cr = p_cr - [c = target_r], the gradients of the losses with
/// respect to the logits of a block: dweight_c += sum_r g_cr x_r and dbias_c += sum_r g_cr, unless they are null. If
/// `accumulate` is false, both are overwritten. e [block, tile] and top [tile] are as catalogue_exponentials wrote them
/// for this block; x and `scaled`, which is overwritten, are [tile, d].
template <class Scalar, class Isa = simd::NativeIsa>
void catalogue_weight_gradients(MatrixView<const Scalar> e, const Scalar* top, const Scalar* greatest,
                                const Scalar* share, Index first, const Index* targets, MatrixView<const Scalar> x,
                                bool accumulate, MatrixView<Scalar> scaled, MatrixView<Scalar> dweight,
                                Scalar* dbias) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index items = e.rows(), rows = e.cols();
  Scalar factor[catalogue_tile];
  simd::for_each_pack<P>(rows, [&](Index r, Index n) {
    const P to_greatest = exp_nonpositive(simd::load<P>(top + r, n) - simd::load<P>(greatest + r, n));
    simd::store(to_greatest * simd::load<P>(share + r, n), factor + r, n);
  });
  if (dweight) {
    for (Index r = 0; r < rows; ++r) {
      scale_forward<Scalar, Isa>(x.cols(), x.row(r), factor[r], Scalar(0), scaled.row(r));
    }
    gemm<Scalar, Isa>(e, scaled, dweight, {.accumulate = accumulate});
  }
  for (Index c = 0; dbias != nullptr && c < items; ++c) {
    P total(Scalar(0));
    simd::for_each_pack<P>(rows, [&](Index r, Index n) {
      total = fma(simd::load<P>(e.row(c) + r, n), simd::load<P>(factor + r, n), total);
    });
    dbias[c] = (accumulate ? dbias[c] : Scalar(0)) + reduce_sum(total);
  }
  for (Index r = 0; r < rows; ++r) {
    const Index c = targets[r] - first;
    if (c < 0 || c >= items) continue;
    if (dweight) add_scaled<Scalar, Isa>(x.cols(), x.row(r), Scalar(-1), dweight.row(c));
    if (dbias != nullptr) dbias[c] -= Scalar(1);
  }
}

}  // namespace heed::inline HEED_ABI::kernels
