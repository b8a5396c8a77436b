// SPDX-License-Identifier: Apache-2.0
// Inverted dropout; the mask is computed from an element's index, both ways, and never stored.
#pragma once

#include <array>
#include <cstdint>

#include "heed/core/random.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

namespace detail {

/// Elements whose mask is made at once. A constant, so that the compiler can turn the counters into lanes.
inline constexpr Index dropout_block = 64;

/// factors[i] = 0 or 1 / (1 - probability), for elements 64 block .. 64 block + 63. Element e is dropped when word
/// e mod 4 of counter e / 4 is below probability * 2^32.
template <class Scalar>
inline void dropout_factors(Random random, Index block, double probability, Scalar* factors) noexcept {
  const std::uint32_t threshold = static_cast<std::uint32_t>(probability * 0x1p32);
  const Scalar kept = static_cast<Scalar>(1 / (1 - probability));
  const std::uint64_t first = static_cast<std::uint64_t>(block * (dropout_block / 4));
  std::uint32_t words[dropout_block];
  for (std::uint64_t i = 0; i < dropout_block / 4; ++i) {
    const std::array<std::uint32_t, 4> four = random.words(first + i);
    for (std::uint64_t j = 0; j < 4; ++j) words[4 * i + j] = four[j];
  }
  for (Index i = 0; i < dropout_block; ++i) factors[i] = words[i] < threshold ? Scalar(0) : kept;
}

/// Calls `body(i, n, factor)` for registers of elements begin .. end - 1; begin is a multiple of 64.
template <class P, class Scalar, class Body>
[[gnu::always_inline]] inline void for_each_dropout(Random random, double probability, Index begin, Index end,
                                                    const Body& body) {
  alignas(64) Scalar factors[dropout_block];
  for (Index from = begin; from < end; from += dropout_block) {
    dropout_factors(random, from / dropout_block, probability, factors);
    simd::for_each_pack<P>(dropout_block < end - from ? dropout_block : end - from,
                           [&](Index i, Index n) { body(from + i, n, P::load(factors + i)); });
  }
}

}  // namespace detail

/// y[i] = 0 with the given probability (in [0, 1)), x[i] / (1 - probability) otherwise, for i = begin .. end - 1 of an
/// array that begins at x; begin is a multiple of 64. What is dropped has no influence, even NaN.
template <class Scalar, class Isa = simd::NativeIsa>
void dropout_forward(Random random, double probability, Index begin, Index end, const Scalar* x, Scalar* y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  detail::for_each_dropout<P, Scalar>(random, probability, begin, end, [&](Index i, Index n, P factor) {
    const P zero(Scalar(0));
    simd::store(select(factor > zero, simd::load<P>(x + i, n) * factor, zero), y + i, n);
  });
}

/// dx[i] += 0 or dy[i] / (1 - probability), by the mask of the forward pass.
template <class Scalar, class Isa = simd::NativeIsa>
void dropout_backward(Random random, double probability, Index begin, Index end, const Scalar* dy,
                      Scalar* dx) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  detail::for_each_dropout<P, Scalar>(random, probability, begin, end, [&](Index i, Index n, P factor) {
    const P zero(Scalar(0)), old = simd::load<P>(dx + i, n);
    simd::store(select(factor > zero, fma(simd::load<P>(dy + i, n), factor, old), old), dx + i, n);
  });
}

}  // namespace heed::inline HEED_ABI::kernels
