// SPDX-License-Identifier: Apache-2.0
// Cross-entropy over a catalogue together with the product that makes its logits: a tile of rows against a block of
// items at a time, so that the logits are never all in memory (Cut Cross-Entropy, arXiv 2411.09009), and both gradients
// from the same exponentials as the loss, so that they are not computed twice (Liger Kernel, arXiv 2410.10989). The
// rows' gradient is summed while a block's exponentials are near, brought to the greatest logit so far as it rises, as
// an online softmax does (FlashAttention, arXiv 2205.14135); the weights' needs the final sums, and is a second pass.
// Items go down and rows go across: a register holds one item's logits of neighbouring rows, and no sum over items
// crosses a register.
#pragma once

#include <cmath>
#include <limits>

#include "heed/core/view.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/kernels/scale.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Rows of a tile and items of a block: constants, as sums are cut there.
inline constexpr Index catalogue_tile = 64, catalogue_block = 96;

/// A block of items c = first .. against a tile of rows r, after other blocks. With l_cr = w_c . x_r + bias_c, top_r
/// rises to the greatest logit so far, and brought to it are e_cr = exp(l_cr - top_r), sum_r += sum_c e_cr and
/// dx_r += sum_c e_cr w_c. Where targets[r] is in the block, hit[r] = l of it.
/// weight [block, d], bias [block] or null, x_t [d, tile], e [block, tile]; targets, top (at first -infinity), sum (at
/// first 0), hit [tile]; dx [tile, d] (at first 0) or null.
template <class Scalar, class Isa = simd::NativeIsa>
void catalogue_exponentials(MatrixView<const Scalar> weight, const Scalar* bias, MatrixView<const Scalar> x_t,
                            Index first, const Index* targets, MatrixView<Scalar> e, Scalar* top, Scalar* sum,
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
  Scalar fall[catalogue_tile];  // of what was brought to the top before
  simd::for_each_pack<P>(rows, [&](Index r, Index n) {
    const P before = simd::load<P>(top + r, n);
    P most = before;
    for (Index c = 0; c < items; ++c) most = max(simd::load<P>(e.row(c) + r, n), most);
    const P reference = select(most == lowest, zero, most);  // exp(-infinity - 0) is 0
    const P factor = exp_nonpositive(before - reference);
    P total = simd::load<P>(sum + r, n) * factor;
    for (Index c = 0; c < items; ++c) {
      const P y = exp_nonpositive(simd::load<P>(e.row(c) + r, n) - reference);
      simd::store(y, e.row(c) + r, n);
      total = total + y;
    }
    simd::store(most, top + r, n);
    simd::store(total, sum + r, n);
    simd::store(factor, fall + r, n);
  });
  if (!dx) return;
  for (Index r = 0; r < rows; ++r) {
    if (fall[r] != Scalar(1)) scale_forward<Scalar, Isa>(dx.cols(), dx.row(r), fall[r], Scalar(0), dx.row(r));
  }
  gemm_tn<Scalar, Isa>(e, weight, dx, {.accumulate = true});
}

/// From `top` and `sum` [parts, tile] of parts of the catalogue and the targets' logits `hit`: returns the sum over the
/// tile of -log p of the target, and turns sum_br into the factor that makes a part's sums those of probabilities,
/// exp(top_br - most_r) share_r, with most_r = max_b top_br.
template <class Scalar, class Isa = simd::NativeIsa>
double catalogue_losses(MatrixView<const Scalar> top, MatrixView<Scalar> sum, const Scalar* hit, Scalar* most,
                        Scalar* share) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index rows = top.cols();
  double total[catalogue_tile] = {}, loss = 0;
  simd::for_each_pack<P>(rows, [&](Index r, Index n) {
    P greatest(-std::numeric_limits<Scalar>::infinity());
    for (Index b = 0; b < top.rows(); ++b) greatest = max(simd::load<P>(top.row(b) + r, n), greatest);
    simd::store(greatest, most + r, n);
  });
  for (Index b = 0; b < top.rows(); ++b) {
    Scalar factor[catalogue_tile];
    simd::for_each_pack<P>(rows, [&](Index r, Index n) {
      simd::store(exp_nonpositive(simd::load<P>(top.row(b) + r, n) - simd::load<P>(most + r, n)), factor + r, n);
    });
    for (Index r = 0; r < rows; ++r) {
      total[r] += static_cast<double>(sum(b, r)) * static_cast<double>(factor[r]);
      sum(b, r) = factor[r];
    }
  }
  for (Index r = 0; r < rows; ++r) {
    loss += static_cast<double>(most[r] - hit[r]) + std::log(total[r]);
    share[r] = static_cast<Scalar>(1 / total[r]);
  }
  for (Index b = 0; b < top.rows(); ++b) {
    for (Index r = 0; r < rows; ++r) sum(b, r) *= share[r];
  }
  return loss;
}

/// With p_cr = e_cr exp(top_r - most_r) share_r and g_cr = p_cr - [c = target_r], the gradients of the losses by the
/// logits of a block: dweight_c += sum_r g_cr x_r and dbias_c += sum_r g_cr, unless they are null (`accumulate` false:
/// = instead of +=, for both). e [block, tile] and top [tile] as catalogue_exponentials left them for this block; x and
/// `scaled`, which is overwritten, [tile, d].
template <class Scalar, class Isa = simd::NativeIsa>
void catalogue_weight_gradients(MatrixView<const Scalar> e, const Scalar* top, const Scalar* most, const Scalar* share,
                                Index first, const Index* targets, MatrixView<const Scalar> x, bool accumulate,
                                MatrixView<Scalar> scaled, MatrixView<Scalar> dweight, Scalar* dbias) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index items = e.rows(), rows = e.cols();
  Scalar factor[catalogue_tile];
  simd::for_each_pack<P>(rows, [&](Index r, Index n) {
    const P fall = exp_nonpositive(simd::load<P>(top + r, n) - simd::load<P>(most + r, n));
    simd::store(fall * simd::load<P>(share + r, n), factor + r, n);
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
    if (dweight) scale_backward<Scalar, Isa>(x.cols(), x.row(r), Scalar(-1), dweight.row(c));
    if (dbias != nullptr) dbias[c] -= Scalar(1);
  }
}

}  // namespace heed::inline HEED_ABI::kernels
