// SPDX-License-Identifier: Apache-2.0
// Inverted dropout; the mask is computed from an element's number, both ways, and never stored.
#pragma once

#include <cstdint>
#include <cstring>

#include "heed/core/random.hpp"
#include "heed/simd/pack.hpp"
#include "heed/simd/random.hpp"

namespace heed::inline HEED_ABI::kernels {

namespace detail {

/// The factors of a stream, 128 elements at once: they share 16 blocks of random words, 8 numbers of 16 bits in each.
template <class Scalar, class Isa>
class DropoutFactors {
 public:
  static constexpr Index group = 128;

  [[gnu::always_inline]] DropoutFactors(Random random, Scalar keep) : philox_(random), scale_(Scalar(1) / keep) {
    const auto steps = static_cast<std::uint32_t>(static_cast<double>(keep) * 65536 + 0.5);
    limit_ = ((steps > 0 ? steps : 1) << 16) - 1;  // of all 65536 steps: the greatest word
  }

  /// out[0 .. 127] for elements 128 `at` and on.
  [[gnu::always_inline]] void make(std::uint64_t at, Scalar* out) const {
    constexpr Index lanes = 16;
    for (Index lane = 0; lane < lanes; lane += Philox::width) {
      typename Philox::Words block[4];
      philox_.words(at * lanes + static_cast<std::uint64_t>(lane), block);
      for (Index w = 0; w < 4; ++w) {
        put(block[w] << 16, out + lane + 2 * w * lanes);
        put(block[w], out + lane + (2 * w + 1) * lanes);
      }
    }
  }

 private:
  using Philox = simd::Philox<Isa>;

  /// The number is the high half of a word; the low half makes no difference.
  [[gnu::always_inline]] void put(typename Philox::Words numbers, Scalar* out) const {
    const auto kept = numbers <= limit_;
    if constexpr (sizeof(Scalar) == 4) {
      const auto factors = kept & (decltype(kept))(simd::Pack<Scalar, typename Philox::Registers>(scale_).v);
      std::memcpy(out, &factors, sizeof(factors));
    } else {
      for (Index i = 0; i < Philox::width; ++i) out[i] = kept[i] ? scale_ : Scalar(0);
    }
  }

  Philox philox_;
  Scalar scale_;
  std::uint32_t limit_;
};

}  // namespace detail

/// The factors of elements begin .. begin + n - 1 of a stream: 0, or 1 / keep with probability `keep` in (0, 1]. That
/// probability is rounded to a multiple of 1/65536 (at least one); the factor is not. Element e is kept when the number
/// (e mod 128) / 16, of 16 bits, of the random block of counter 16 (e / 128) + e mod 16 is below 65536 keep.
template <class Scalar, class Isa = simd::NativeIsa>
void dropout_factors(Random random, std::uint64_t begin, Index n, Scalar keep, Scalar* out) noexcept {
  using Factors = detail::DropoutFactors<Scalar, Isa>;
  constexpr Index group = Factors::group;
  const Factors factors(random, keep);
  std::uint64_t at = begin / group;
  Index skip = static_cast<Index>(begin % group);
  for (Index done = 0; done < n; ++at, skip = 0) {
    const Index count = group - skip < n - done ? group - skip : n - done;
    Scalar whole[group];
    Scalar* const to = count == group ? out + done : whole;
    factors.make(at, to);
    if (to == whole) std::memcpy(out + done, whole + skip, static_cast<std::size_t>(count) * sizeof(Scalar));
    done += count;
  }
}

namespace detail {

/// Calls `body(i, n, factor)` for registers of elements begin .. end - 1; begin is a multiple of 128.
template <class P, class Isa, class Scalar, class Body>
[[gnu::always_inline]] inline void for_each_dropout(Random random, double probability, Index begin, Index end,
                                                    const Body& body) {
  using Factors = DropoutFactors<Scalar, Isa>;
  const Factors factors(random, static_cast<Scalar>(1 - probability));
  alignas(64) Scalar group[Factors::group];
  for (Index from = begin; from < end; from += Factors::group) {
    factors.make(static_cast<std::uint64_t>(from / Factors::group), group);
    simd::for_each_pack<P>(Factors::group < end - from ? Factors::group : end - from,
                           [&](Index i, Index n) { body(from + i, n, P::load(group + i)); });
  }
}

}  // namespace detail

/// y[i] = 0 with the given probability (in [0, 1), in steps of 1/65536), x[i] / (1 - probability) otherwise, for
/// i = begin .. end - 1 of an array that begins at x; begin is a multiple of 128. What is dropped has no influence,
/// even NaN.
template <class Scalar, class Isa = simd::NativeIsa>
void dropout_forward(Random random, double probability, Index begin, Index end, const Scalar* x, Scalar* y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  detail::for_each_dropout<P, Isa, Scalar>(random, probability, begin, end, [&](Index i, Index n, P factor) {
    const P zero(Scalar(0));
    simd::store(select(factor > zero, simd::load<P>(x + i, n) * factor, zero), y + i, n);
  });
}

/// dx[i] += 0 or dy[i] / (1 - probability), by the mask of the forward pass.
template <class Scalar, class Isa = simd::NativeIsa>
void dropout_backward(Random random, double probability, Index begin, Index end, const Scalar* dy,
                      Scalar* dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  detail::for_each_dropout<P, Isa, Scalar>(random, probability, begin, end, [&](Index i, Index n, P factor) {
    const P zero(Scalar(0)), old = simd::load<P>(dx + i, n);
    simd::store(select(factor > zero, fma(simd::load<P>(dy + i, n), factor, old), old), dx + i, n);
  });
}

}  // namespace heed::inline HEED_ABI::kernels
