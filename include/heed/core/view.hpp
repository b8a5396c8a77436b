// SPDX-License-Identifier: Apache-2.0
// Non-owning views of arrays: the arguments of kernels and the values of Vars.
#pragma once

#include <type_traits>

#include "heed/core/config.hpp"
#include "heed/core/shape.hpp"

namespace heed::inline HEED_ABI {

namespace detail {

/// Throws ShapeError for a view with gaps between its rows. Does nothing when NDEBUG is defined.
constexpr void check_contiguous([[maybe_unused]] bool contiguous, [[maybe_unused]] Index cols,
                                [[maybe_unused]] Index row_stride) {
#ifndef NDEBUG
  if (!contiguous) {
    fail<ShapeError>("operator[]", "wanted a contiguous view, got rows of ", cols, " elements that lie ", row_stride,
                     " elements apart: use view(row, column)");
  }
#endif
}

}  // namespace detail

/// A non-owning view of a row-major matrix, the argument type of kernels. Elements of a row are adjacent; rows begin
/// `row_stride()` elements apart. Trivially copyable; bounds are not checked.
template <class Scalar>
class MatrixView {
 public:
  struct Size {
    constexpr Size(Index r, Index c) : rows(r), cols(c) {}
    Index rows, cols;
  };

  constexpr MatrixView() = default;
  constexpr MatrixView(Scalar* data, Size size) : MatrixView(data, size, size.cols) {}
  constexpr MatrixView(Scalar* data, Size size, Index row_stride)
      : data_(data), rows_(size.rows), cols_(size.cols), row_stride_(row_stride) {}
  /// A view of mutable elements converts to a view of constant elements.
  constexpr operator MatrixView<const Scalar>() const
    requires(!std::is_const_v<Scalar>)
  {
    return {data_, {rows_, cols_}, row_stride_};
  }

  constexpr Scalar* data() const { return data_; }
  constexpr Shape shape() const { return Shape::matrix(rows_, cols_); }
  constexpr Index size() const { return rows_ * cols_; }
  constexpr Index rows() const { return rows_; }
  constexpr Index cols() const { return cols_; }
  constexpr Index row_stride() const { return row_stride_; }
  constexpr bool contiguous() const { return row_stride_ == cols_ || rows_ <= 1; }
  /// False for a view without data (a null pointer), for example the gradient of a constant.
  constexpr explicit operator bool() const { return data_ != nullptr; }

  constexpr Scalar* row(Index i) const { return data_ + i * row_stride_; }
  constexpr Scalar& operator()(Index i, Index j) const { return data_[i * row_stride_ + j]; }
  /// Element `i` of a contiguous view. With assertions on, throws ShapeError for a view with gaps between its rows.
  constexpr Scalar& operator[](Index i) const {
    detail::check_contiguous(contiguous(), cols(), row_stride_);
    return data_[i];
  }

  /// Rows `begin .. end - 1`. A part of a view without data has no data either.
  constexpr MatrixView rows(Index begin, Index end) const {
    return {data_ != nullptr ? row(begin) : data_, {end - begin, cols_}, row_stride_};
  }
  /// Columns `begin .. end - 1` of every row. A part of a view without data has no data either.
  constexpr MatrixView columns(Index begin, Index end) const {
    return {data_ != nullptr ? data_ + begin : data_, {rows_, end - begin}, row_stride_};
  }

 private:
  Scalar* data_ = nullptr;
  Index rows_ = 0, cols_ = 0, row_stride_ = 0;
};

/// A non-owning view of a row-major array: a pointer, a shape and one row stride. Leading dimensions are folded into
/// rows: a `[2, 3, 4]` array has 6 rows of 4. Elements of a row are adjacent; rows begin `row_stride()` elements apart.
/// Trivially copyable; bounds are not checked.
template <class Scalar>
class TensorView {
 public:
  constexpr TensorView() = default;
  constexpr TensorView(Scalar* data, const Shape& shape) : TensorView(data, shape, shape.cols()) {}
  constexpr TensorView(Scalar* data, const Shape& shape, Index row_stride)
      : data_(data), shape_(shape), row_stride_(row_stride) {}
  /// A matrix converts to an array of two dimensions.
  constexpr TensorView(MatrixView<Scalar> matrix) : TensorView(matrix.data(), matrix.shape(), matrix.row_stride()) {}
  constexpr TensorView(MatrixView<std::remove_const_t<Scalar>> matrix)
    requires(std::is_const_v<Scalar>)
      : TensorView(MatrixView<Scalar>(matrix)) {}
  /// A view of mutable elements converts to a view of constant elements.
  constexpr operator TensorView<const Scalar>() const
    requires(!std::is_const_v<Scalar>)
  {
    return {data_, shape_, row_stride_};
  }
  constexpr operator MatrixView<Scalar>() const { return matrix(); }
  constexpr operator MatrixView<const Scalar>() const
    requires(!std::is_const_v<Scalar>)
  {
    return matrix();
  }

  constexpr Scalar* data() const { return data_; }
  constexpr const Shape& shape() const { return shape_; }
  constexpr Index size() const { return shape_.size(); }
  constexpr Index rows() const { return shape_.rows(); }
  constexpr Index cols() const { return shape_.cols(); }
  constexpr Index row_stride() const { return row_stride_; }
  constexpr bool contiguous() const { return row_stride_ == shape_.cols() || rows() <= 1; }
  /// False for a view without data (a null pointer), for example the gradient of a constant.
  constexpr explicit operator bool() const { return data_ != nullptr; }

  constexpr Scalar* row(Index i) const { return data_ + i * row_stride_; }
  constexpr Scalar& operator()(Index i, Index j) const { return data_[i * row_stride_ + j]; }
  /// Element `i` of a contiguous view. With assertions on, throws ShapeError for a view with gaps between its rows.
  constexpr Scalar& operator[](Index i) const {
    detail::check_contiguous(contiguous(), cols(), row_stride_);
    return data_[i];
  }

  /// Leading dimensions folded: the `[rows, cols]` matrix, and its rows or columns `begin .. end - 1`.
  constexpr MatrixView<Scalar> matrix() const { return {data_, {rows(), cols()}, row_stride_}; }
  constexpr MatrixView<Scalar> rows(Index begin, Index end) const { return matrix().rows(begin, end); }
  constexpr MatrixView<Scalar> columns(Index begin, Index end) const { return matrix().columns(begin, end); }

 private:
  Scalar* data_ = nullptr;
  Shape shape_{0};
  Index row_stride_ = 0;
};

}  // namespace heed::inline HEED_ABI
