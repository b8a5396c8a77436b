// SPDX-License-Identifier: Apache-2.0
// Cross-entropy over a catalogue together with the product that makes its logits: a tile of rows against a block of
// items at a time, so that the logits are never all in memory (Cut Cross-Entropy, arXiv 2411.09009), and both gradients
// from the same exponentials as the loss, so that they are not computed twice (Liger Kernel, arXiv 2410.10989).
// Items go down and rows go across: a register holds one item's logits of neighbouring rows, and no sum over items
// crosses a register.
#pragma once

#include <cmath>
#include <limits>

#include "heed/core/view.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels {

/// Rows of a tile and items of a block: constants, as sums are cut there.
inline constexpr Index catalogue_tile = 64, catalogue_block = 128;

/// e_cr = exp(l_cr - top_r) with l_cr = w_c . x_r + bias_c and top_r = max_c l_cr, and sum_r = sum_c e_cr, over a block
/// of items c = first .. and a tile of rows r. Where targets[r] is in the block, hit[r] = l of it.
/// weight [block, d], bias [block] or null, x_t [d, tile], e [block, tile]; targets, top, sum, hit [tile].
template <class Scalar, class Isa = simd::NativeIsa>
void catalogue_exponentials(MatrixView<const Scalar> weight, const Scalar* bias, MatrixView<const Scalar> x_t,
                            Index first, const Index* targets, MatrixView<Scalar> e, Scalar* top, Scalar* sum,
                            Scalar* hit) noexcept {
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
  simd::for_each_pack<P>(rows, [&](Index r, Index n) {
    P most = lowest, total = zero;
    for (Index c = 0; c < items; ++c) most = max(simd::load<P>(e.row(c) + r, n), most);
    const P reference = select(most == lowest, zero, most);  // exp(-infinity - 0) is 0
    for (Index c = 0; c < items; ++c) {
      const P y = exp_nonpositive(simd::load<P>(e.row(c) + r, n) - reference);
      simd::store(y, e.row(c) + r, n);
      total = total + y;
    }
    simd::store(most, top + r, n);
    simd::store(total, sum + r, n);
  });
}

/// From every block's `top` and `sum` [blocks, tile] and the targets' logits `hit`: returns the sum over the tile of
/// -log p of the target, and turns sum_br into the factor that makes e of block b the probability p.
template <class Scalar, class Isa = simd::NativeIsa>
double catalogue_losses(MatrixView<const Scalar> top, MatrixView<Scalar> sum, const Scalar* hit) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index rows = top.cols();
  Scalar most[catalogue_tile];
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
    most[r] = static_cast<Scalar>(1 / total[r]);
  }
  for (Index b = 0; b < top.rows(); ++b) {
    for (Index r = 0; r < rows; ++r) sum(b, r) *= most[r];
  }
  return loss;
}

/// e_cr becomes the gradient of the losses by the logits, p_cr - [c = target_r]; dweight_c += sum_r it x_r and
/// dbias_c += sum_r it, unless they are null (`accumulate` false: = instead of +=, for both).
/// e [block, tile], factor and targets [tile], x [tile, d].
template <class Scalar, class Isa = simd::NativeIsa>
void catalogue_gradients(const Scalar* factor, Index first, const Index* targets, MatrixView<const Scalar> x,
                         bool accumulate, MatrixView<Scalar> e, MatrixView<Scalar> dweight, Scalar* dbias) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index items = e.rows(), rows = e.cols();
  for (Index c = 0; c < items; ++c) {
    simd::for_each_pack<P>(rows, [&](Index r, Index n) {
      simd::store(simd::load<P>(e.row(c) + r, n) * simd::load<P>(factor + r, n), e.row(c) + r, n);
    });
  }
  for (Index r = 0; r < rows; ++r) {
    if (targets[r] >= first && targets[r] < first + items) e(targets[r] - first, r) -= Scalar(1);
  }
  if (dweight) gemm<Scalar, Isa>(e, x, dweight, {.accumulate = accumulate});
  if (dbias == nullptr) return;
  for (Index c = 0; c < items; ++c) {
    P total(Scalar(0));
    simd::for_each_pack<P>(rows, [&](Index r, Index n) { total = total + simd::load<P>(e.row(c) + r, n); });
    dbias[c] = (accumulate ? dbias[c] : Scalar(0)) + reduce_sum(total);
  }
}

}  // namespace heed::inline HEED_ABI::kernels
