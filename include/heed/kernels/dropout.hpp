// SPDX-License-Identifier: Apache-2.0
// Inverted dropout; the mask is a function of the index of an element.
#pragma once

#include <cstdint>
#include <utility>

#include "heed/core/random.hpp"
#include "heed/simd/pack.hpp"
#include "heed/simd/random.hpp"

namespace heed::inline HEED_ABI::kernels {

/// The dropout mask of a random stream, one bit per element, in groups of 128 elements. A group shares 16 blocks of
/// random words, with 8 numbers of 16 bits each. Element e is kept if number (e mod 128) / 16 of the block with counter
/// 16 (e / 128) + e mod 16 is below 65536 keep, rounded, at least 1: a probability in steps of 1/65536.
template <class Isa = simd::NativeIsa>
class DropoutMask {
 public:
  static constexpr Index group = 128, words = group / 16;

  [[gnu::always_inline]] DropoutMask(Random random, double keep) : philox_(random) {
    const auto steps = static_cast<std::uint32_t>(keep * 65536 + 0.5);
    limit_ = ((steps > 0 ? steps : 1) << 16) - 1;  // 65536 steps wrap around to the greatest word
  }

  /// Writes bit e mod 16 of out[(e mod 128) / 16] for the elements e of group `at`.
  [[gnu::always_inline]] void make(std::uint64_t at, std::uint16_t* out) const {
    unsigned bits[words] = {};
    for (Index lane = 0; lane < lanes; lane += Philox::width) {
      typename Philox::Words block[4];
      philox_.words(at * lanes + static_cast<std::uint64_t>(lane), block);
      // The number is the high half of a word; the low half does not affect the comparison.
      for (Index w = 0; w < 4; ++w) {
        bits[2 * w] |= Philox::at_most(block[w] << 16, limit_) << lane;
        bits[2 * w + 1] |= Philox::at_most(block[w], limit_) << lane;
      }
    }
    for (Index w = 0; w < words; ++w) out[w] = static_cast<std::uint16_t>(bits[w]);
  }

  /// True if a register P has one lane for each word of a register of random numbers.
  template <class P>
  static constexpr bool lanes_match = P::width == simd::Philox<Isa>::width && sizeof(typename P::Scalar) == 4;
  /// Calls `body(i, kept)` for the registers of elements i .. of group `at`, in no particular order, with the mask of
  /// kept lanes, without packing it into bits.
  template <class P, class Body>
  [[gnu::always_inline]] void for_each_register(std::uint64_t at, const Body& body) const {
    static_assert(lanes_match<P>);
    for (Index lane = 0; lane < lanes; lane += Philox::width) {
      typename Philox::Words block[4];
      philox_.words(at * lanes + static_cast<std::uint64_t>(lane), block);
      const typename Philox::Words limit = typename Philox::Words{} + limit_;
#pragma GCC unroll 4
      for (Index w = 0; w < 4; ++w) {
        body(2 * w * lanes + lane, typename P::Mask(block[w] << 16 <= limit));
        body((2 * w + 1) * lanes + lane, typename P::Mask(block[w] <= limit));
      }
    }
  }

  /// Returns the mask of kept lanes for elements i .., from the words at `bits`; i is a multiple of the width.
  template <class P>
  [[gnu::always_inline]] static typename P::Mask kept(const std::uint16_t* bits, Index i) {
    using Integer = typename P::Integer;
    constexpr auto lane = []<int... l>(std::integer_sequence<int, l...>) {
      return typename P::Mask{(Integer{1} << l)...};
    }(std::make_integer_sequence<int, static_cast<int>(P::width)>());
    const auto e = static_cast<std::size_t>(i);
    return ((typename P::Mask{} + static_cast<Integer>(bits[e / 16] >> e % 16)) & lane) != 0;
  }

 private:
  using Philox = simd::Philox<Isa>;
  static constexpr Index lanes = 16;  ///< blocks per group

  Philox philox_;
  std::uint32_t limit_;
};

namespace detail {

/// Calls `body(i, n, kept)` for registers of elements [begin, end), in no particular order; begin is a multiple of 128.
template <class P, class Isa, class Scalar, class Body>
[[gnu::always_inline]] inline void for_each_dropout(Random random, Scalar keep, Index begin, Index end,
                                                    const Body& body) {
  using Mask = DropoutMask<Isa>;
  const Mask mask(random, static_cast<double>(keep));
  std::uint16_t bits[Mask::words];
  Index from = begin;
  if constexpr (Mask::template lanes_match<P>) {
    for (; from + Mask::group <= end; from += Mask::group) {
      mask.template for_each_register<P>(static_cast<std::uint64_t>(from / Mask::group),
                                         [&](Index i, auto kept) { body(from + i, P::width, kept); });
    }
  }
  for (; from < end; from += Mask::group) {
    mask.make(static_cast<std::uint64_t>(from / Mask::group), bits);
    simd::for_each_pack<P>(Mask::group < end - from ? Mask::group : end - from,
                           [&](Index i, Index n) { body(from + i, n, Mask::template kept<P>(bits, i)); });
  }
}

}  // namespace detail

/// y[i] = 0 with the given probability (in [0, 1), in steps of 1/65536), x[i] / (1 - probability) otherwise. x and y
/// hold elements [begin, end) of the array that the mask covers; begin is a multiple of 128. Dropped elements have no
/// influence, even NaN.
template <class Scalar, class Isa = simd::NativeIsa>
void dropout_forward(Random random, double probability, Index begin, Index end, const Scalar* x, Scalar* y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Scalar keep = static_cast<Scalar>(1 - probability);
  const P zero(Scalar(0)), factor(Scalar(1) / keep);
  detail::for_each_dropout<P, Isa>(random, keep, begin, end, [&](Index i, Index n, auto kept) {
    const Index at = i - begin;
    simd::store(select(kept, simd::load<P>(x + at, n) * factor, zero), y + at, n);
  });
}

/// dx[i] += 0 or dy[i] / (1 - probability), with the mask of the forward pass.
template <class Scalar, class Isa = simd::NativeIsa>
void dropout_backward(Random random, double probability, Index begin, Index end, const Scalar* dy,
                      Scalar* dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Scalar keep = static_cast<Scalar>(1 - probability);
  const P factor(Scalar(1) / keep);
  detail::for_each_dropout<P, Isa>(random, keep, begin, end, [&](Index i, Index n, auto kept) {
    const Index at = i - begin;
    const P old = simd::load<P>(dx + at, n);
    simd::store(select(kept, fma(simd::load<P>(dy + at, n), factor, old), old), dx + at, n);
  });
}

}  // namespace heed::inline HEED_ABI::kernels
