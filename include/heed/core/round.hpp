// SPDX-License-Identifier: Apache-2.0
// Integer division and multiples, rounded up.
#pragma once

#include <concepts>
#include <type_traits>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI {

/// Returns n / size rounded up: the number of blocks of `size` that hold n elements. Requires n >= 0, size > 0.
template <std::integral T>
constexpr T ceil_divide(T n, std::type_identity_t<T> size) {
  return (n + size - 1) / size;
}

/// Returns the smallest multiple of `multiple` that is at least n. Requires n >= 0, multiple > 0.
template <std::integral T>
constexpr T round_up(T n, std::type_identity_t<T> multiple) {
  return ceil_divide(n, multiple) * multiple;
}

}  // namespace heed::inline HEED_ABI
