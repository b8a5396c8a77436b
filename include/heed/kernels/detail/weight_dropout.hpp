// SPDX-License-Identifier: Apache-2.0
// Dropout of attention weights, with the mask drawn by the forward pass.
#pragma once

#include "heed/kernels/detail/attention_unit.hpp"
#include "heed/kernels/dropout.hpp"

namespace heed::inline HEED_ABI::kernels::detail {

/// Applies dropout to registers of query i's weights; does nothing without dropout.
template <class P, class Isa>
class WeightDropout {
  using Scalar = typename P::Scalar;

 public:
  WeightDropout(const AttentionUnit<Scalar>& u, Index i)
      : bits_(u.keep < Scalar(1) ? u.kept + i * kept_words(u.keys()) : nullptr),
        factor_(bits_ != nullptr ? Scalar(1) / u.keep : Scalar(1)) {}

  explicit operator bool() const { return bits_ != nullptr; }
  /// Returns w / keep where keys j .. are kept, else 0.
  [[gnu::always_inline]] P operator()(P w, Index j) const {
    if (bits_ == nullptr) return w;
    return select(DropoutMask<Isa>::template kept<P>(bits_, j), w * factor_, P(Scalar(0)));
  }

 private:
  const std::uint16_t* bits_;
  P factor_;
};

}  // namespace heed::inline HEED_ABI::kernels::detail
