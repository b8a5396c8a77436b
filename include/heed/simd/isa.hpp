// SPDX-License-Identifier: Apache-2.0
// Tags of instruction sets. Kernels are templates on a tag; the default is the instruction set of the compiler's flags.
#pragma once

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::simd {

/// Portable vectors of any power-of-two size in bytes: runs on every machine.
template <int Bytes>
struct Generic {
  static constexpr int bytes = Bytes;
};
struct Avx2 : Generic<32> {};
struct Avx512 : Generic<64> {};
struct Neon : Generic<16> {};

#if defined(HEED_AVX512)
using NativeIsa = Avx512;
#elif defined(HEED_AVX2)
using NativeIsa = Avx2;
#elif defined(HEED_NEON)
using NativeIsa = Neon;
#else
using NativeIsa = Generic<16>;
#endif

}  // namespace heed::inline HEED_ABI::simd
