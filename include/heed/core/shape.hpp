// SPDX-License-Identifier: Apache-2.0
// The sizes of an array, outermost dimension first.
#pragma once

#include <initializer_list>
#include <string>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"

namespace heed::inline HEED_ABI {

/// Up to six dimensions, stored inline. Rank 0 is a scalar (size 1). Trivially copyable.
class Shape {
 public:
  static constexpr int max_rank = 6;

  constexpr Shape() = default;
  /// Throws ShapeError on a negative size or more than six dimensions.
  [[gnu::noinline]] constexpr Shape(std::initializer_list<Index> sizes) {
    bool valid = sizes.size() <= max_rank;
    for (Index size : sizes) {
      if (rank_ == max_rank) break;
      valid = valid && size >= 0;
      sizes_[rank_++] = size;
    }
    if (!valid) refuse(sizes);
  }

  /// `[rows, cols]`, which must not be negative. Not checked: kernels make views of this shape.
  static constexpr Shape matrix(Index rows, Index cols) {
    Shape out;
    out.sizes_[0] = rows;
    out.sizes_[1] = cols;
    out.rank_ = 2;
    return out;
  }

  constexpr int rank() const { return rank_; }
  /// Number of elements: the product of the sizes, 1 for a scalar.
  [[gnu::noinline]] constexpr Index size() const { return rows() * cols(); }
  /// Number of elements, checked for allocations. Throws ShapeError when the size in bytes overflows an Index.
  [[gnu::noinline]] constexpr Index checked_size(std::size_t element_size) const {
    Index n = 1, bytes = 0;
    for (int i = 0; i < rank_; ++i) {
      if (__builtin_mul_overflow(n, sizes_[i], &n)) fail<ShapeError>("shape", "more elements than an index can count");
    }
    if (__builtin_mul_overflow(n, static_cast<Index>(element_size), &bytes)) {
      fail<ShapeError>("shape", "more bytes than an index can count");
    }
    return n;
  }
  /// Size of dimension `i`; a negative `i` counts from the end. Throws IndexError outside the rank.
  [[gnu::noinline]] constexpr Index operator[](int i) const {
    const int at = i < 0 ? i + rank_ : i;
    if (at < 0 || at >= rank_) out_of_range(i);
    return sizes_[at];
  }
  /// The last size (1 for a scalar): the length of a row when leading dimensions are folded into rows.
  constexpr Index cols() const { return rank_ == 0 ? 1 : sizes_[rank_ - 1]; }
  /// The product of all sizes but the last.
  [[gnu::noinline]] constexpr Index rows() const {
    Index n = 1;
    for (int i = 0; i + 1 < rank_; ++i) n *= sizes_[i];
    return n;
  }
  [[gnu::noinline]] constexpr void push_back(Index size) {
    if (rank_ == max_rank) fail<ShapeError>("shape", "more than 6 dimensions");
    if (size < 0) fail<ShapeError>("shape", "negative size ", size);
    sizes_[rank_++] = size;
  }
  /// The same sizes with the last one replaced; a scalar becomes `[size]`.
  [[gnu::noinline]] constexpr Shape with_cols(Index size) const {
    Shape out;
    for (int i = 0; i + 1 < rank_; ++i) out.push_back(sizes_[i]);
    out.push_back(size);
    return out;
  }

  [[gnu::noinline]] friend constexpr bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i) {
      if (a.sizes_[i] != b.sizes_[i]) return false;
    }
    return true;
  }

 private:
  [[noreturn, gnu::cold]] void out_of_range(int i) const;
  [[noreturn, gnu::cold, gnu::noinline]] static void refuse(std::initializer_list<Index> sizes) {
    for (Index size : sizes) {
      if (size < 0) fail<ShapeError>("shape", "negative size ", size);
    }
    fail<ShapeError>("shape", "more than 6 dimensions");
  }

  Index sizes_[max_rank] = {};
  int rank_ = 0;
};

/// `[32, 50, 128]`.
[[gnu::cold, gnu::noinline]] inline std::string to_string(const Shape& shape) {
  std::string out = "[";
  for (int i = 0; i < shape.rank(); ++i) {
    if (i > 0) out += ", ";
    out += std::to_string(shape[i]);
  }
  return out + "]";
}

inline void Shape::out_of_range(int i) const { fail<IndexError>("shape", "dimension ", i, " of ", *this); }

}  // namespace heed::inline HEED_ABI
