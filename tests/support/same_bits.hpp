// SPDX-License-Identifier: Apache-2.0
// Bitwise comparison: equal NaNs agree, and 0 differs from -0.
#pragma once

#include <cstring>

#include "heed/core/tensor.hpp"

namespace heed::test {

template <class Scalar>
bool same_bits(const Scalar* a, const Scalar* b, Index size) {
  return size == 0 || std::memcmp(a, b, static_cast<std::size_t>(size) * sizeof(Scalar)) == 0;
}
template <class Scalar>
bool same_bits(const Tensor<Scalar>& a, const Tensor<Scalar>& b) {
  return a.shape() == b.shape() && same_bits(a.data(), b.data(), a.size());
}

}  // namespace heed::test
