// SPDX-License-Identifier: Apache-2.0
// NEON of 64-bit ARM: fused multiply-add, square root, widening products. Maximum and minimum stay generic, because
// NEON's return NaN when either operand is NaN; partial loads and stores stay generic, because NEON has no masked ones.
#pragma once

#include <arm_neon.h>

#include "heed/simd/arch/generic.hpp"

namespace heed::inline HEED_ABI::simd {

template <>
struct Arch<float, Neon> : GenericArch<float, Neon> {
  [[gnu::always_inline]] static Vector fma(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }
  [[gnu::always_inline]] static Vector sqrt(Vector a) { return vsqrtq_f32(a); }
};

template <>
struct Arch<double, Neon> : GenericArch<double, Neon> {
  [[gnu::always_inline]] static Vector fma(Vector a, Vector b, Vector c) { return vfmaq_f64(c, a, b); }
  [[gnu::always_inline]] static Vector sqrt(Vector a) { return vsqrtq_f64(a); }
};

template <>
struct ArchWords<Neon> : GenericWords<Neon> {
  [[gnu::always_inline]] static Wide multiply_low(Wide a, Wide b) {
    return (Wide)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
  }
};

}  // namespace heed::inline HEED_ABI::simd
