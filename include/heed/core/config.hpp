// SPDX-License-Identifier: Apache-2.0
// Version, instruction set (from the compiler's flags) and the ABI tag made of them.
#pragma once

#include <cstddef>

#if defined(__FAST_MATH__) || __FINITE_MATH_ONLY__
#error "heed needs IEEE infinities and NaN (masks are made of them): compile without -ffast-math, -ffinite-math-only"
#endif
#ifndef __cpp_exceptions
#error "heed reports errors as exceptions: compile without -fno-exceptions"
#endif

#define HEED_VERSION_MAJOR 0
#define HEED_VERSION_MINOR 1
#define HEED_VERSION_PATCH 0

// The widest instruction set that the application's compiler flags allow. heed never sets flags.
#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512VL__) && defined(__AVX512BW__) && defined(__FMA__)
#define HEED_AVX512
#define HEED_AVX2
#define HEED_ISA avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define HEED_AVX2
#define HEED_ISA avx2
#elif defined(__aarch64__) && defined(__ARM_NEON)
#define HEED_NEON
#define HEED_ISA neon
#else
#define HEED_ISA generic
#endif

// Eigen's alignment if Eigen was included already, else the one it will choose: the tag does not depend on the order.
#if defined(EIGEN_MAX_ALIGN_BYTES)
#if EIGEN_MAX_ALIGN_BYTES == 0
#define HEED_EIGEN_ALIGN a0
#elif EIGEN_MAX_ALIGN_BYTES <= 16
#define HEED_EIGEN_ALIGN a16
#elif EIGEN_MAX_ALIGN_BYTES <= 32
#define HEED_EIGEN_ALIGN a32
#else
#define HEED_EIGEN_ALIGN a64
#endif
#elif defined(__AVX512F__)
#define HEED_EIGEN_ALIGN a64
#elif defined(__AVX__)
#define HEED_EIGEN_ALIGN a32
#else
#define HEED_EIGEN_ALIGN a16
#endif

#ifdef _OPENMP
#define HEED_THREADS omp
#else
#define HEED_THREADS serial
#endif

#define HEED_JOIN5_(a, b, c, d, e) a##_##b##_##c##_##d##_##e
#define HEED_JOIN5(a, b, c, d, e) HEED_JOIN5_(a, b, c, d, e)
#define HEED_STRING_(x) #x
#define HEED_STRING(x) HEED_STRING_(x)

/// The inline namespace around every symbol of heed. Translation units built for different instruction sets (as listed
/// above) get different symbols, so that the linker cannot merge an AVX-512 function into code for machines without
/// AVX-512. Other flags (BMI, SSE4) are not part of the tag: use the same flags for a whole program.
#define HEED_ABI HEED_JOIN5(v0, 1, HEED_ISA, HEED_EIGEN_ALIGN, HEED_THREADS)

namespace heed::inline HEED_ABI {

/// Sizes, indices and strides: signed, so that differences and reverse loops are safe.
using Index = std::ptrdiff_t;

inline constexpr const char* version() { return "0.1.0"; }

/// The instruction set that this translation unit was compiled for: "avx512", "avx2", "neon" or "generic".
inline constexpr const char* isa() { return HEED_STRING(HEED_ISA); }

}  // namespace heed::inline HEED_ABI
