// SPDX-License-Identifier: Apache-2.0
// The owning array, with Eigen maps.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cassert>
#include <new>
#include <ostream>
#include <type_traits>
#include <utility>

#include "heed/core/config.hpp"
#include "heed/core/random.hpp"
#include "heed/core/shape.hpp"
#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI {

template <class Scalar>
using EigenMatrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Eigen's view of a heed array of any row stride, leading dimensions folded into rows.
template <class Scalar>
auto eigen_matrix(MatrixView<Scalar> view) {
  using Plain = EigenMatrix<std::remove_const_t<Scalar>>;
  using Mapped = std::conditional_t<std::is_const_v<Scalar>, const Plain, Plain>;
  return Eigen::Map<Mapped, Eigen::Unaligned, Eigen::OuterStride<>>(view.data(), view.rows(), view.cols(),
                                                                    Eigen::OuterStride<>(view.row_stride()));
}
template <class Scalar>
auto eigen_matrix(TensorView<Scalar> view) {
  return eigen_matrix(view.matrix());
}

/// Owns a row-major, 64-byte-aligned array of rank 0 to 6. Value semantics: a copy is deep, a move is cheap. Can be
/// constructed and assigned from Eigen expressions (a column-major one is copied into row-major order).
template <class Scalar = float>
class Tensor {
 public:
  /// No elements: shape `[0]`.
  Tensor() : shape_{0} {}
  /// Zeros.
  [[gnu::noinline]] explicit Tensor(const Shape& shape)
      : shape_(shape), data_(allocate(shape.checked_size(sizeof(Scalar)))) {
    std::fill_n(data_, shape_.size(), Scalar(0));
  }
  /// A deep copy of the viewed array.
  explicit Tensor(TensorView<const Scalar> view) : shape_(view.shape()), data_(allocate(view.size())) {
    for (Index i = 0; i < view.rows(); ++i) std::copy_n(view.row(i), view.cols(), data_ + i * view.cols());
  }
  /// The value of an Eigen expression: `[n]` for a vector type, `[rows, cols]` otherwise.
  template <class Derived>
  Tensor(const Eigen::DenseBase<Derived>& expression) : shape_(shape_of(expression)), data_(allocate(shape_.size())) {
    assign(expression);
  }
  Tensor(const Tensor& other) : Tensor(other.view()) {}
  Tensor(Tensor&& other) noexcept : Tensor() { swap(other); }
  Tensor& operator=(Tensor other) noexcept {
    swap(other);
    return *this;
  }
  /// Takes the expression's shape; the expression may read this tensor.
  template <class Derived>
  Tensor& operator=(const Eigen::DenseBase<Derived>& expression) {
    return *this = Tensor(expression);
  }
  [[gnu::noinline]] ~Tensor() {
    if (data_ != nullptr) ::operator delete(data_, std::align_val_t{64});
  }

  static Tensor zeros(const Shape& shape) { return Tensor(shape); }
  static Tensor ones(const Shape& shape) { return full(shape, Scalar(1)); }
  [[gnu::noinline]] static Tensor full(const Shape& shape, Scalar value) {
    Tensor out(shape);
    std::fill_n(out.data(), out.size(), value);
    return out;
  }
  static Tensor scalar(Scalar value) { return full({}, value); }
  /// `[n]` from a list of values.
  template <std::size_t N>
  static Tensor of(const Scalar (&values)[N]) {
    Tensor out(Shape{static_cast<Index>(N)});
    std::copy_n(values, N, out.data());
    return out;
  }
  /// `[rows, cols]` from a list of rows of equal length.
  template <std::size_t Rows, std::size_t Cols>
  static Tensor of(const Scalar (&rows)[Rows][Cols]) {
    Tensor out(Shape{static_cast<Index>(Rows), static_cast<Index>(Cols)});
    std::copy_n(&rows[0][0], Rows * Cols, out.data());
    return out;
  }
  /// 0, 1, .. n - 1.
  static Tensor arange(Index n) {
    Tensor out(Shape{n});
    for (Index i = 0; i < n; ++i) out.data()[i] = static_cast<Scalar>(i);
    return out;
  }
  /// Uniform in [low, high).
  [[gnu::noinline]] static Tensor uniform(const Shape& shape, Random random, Scalar low = 0, Scalar high = 1) {
    Tensor out(shape);
    for (Index i = 0; i < out.size(); ++i) {
      out.data()[i] = static_cast<Scalar>(low + (high - low) * random.uniform(static_cast<std::uint64_t>(i)));
    }
    return out;
  }
  /// Normal with mean 0.
  [[gnu::noinline]] static Tensor normal(const Shape& shape, Random random, Scalar standard_deviation = 1) {
    Tensor out(shape);
    for (Index i = 0; i < out.size(); ++i) {
      out.data()[i] = static_cast<Scalar>(standard_deviation * random.normal(static_cast<std::uint64_t>(i)));
    }
    return out;
  }

  const Shape& shape() const { return shape_; }
  Index size() const { return shape_.size(); }
  Index rows() const { return shape_.rows(); }
  Index cols() const { return shape_.cols(); }
  Scalar* data() { return data_; }
  const Scalar* data() const { return data_; }

  TensorView<Scalar> view() { return {data_, shape_}; }
  TensorView<const Scalar> view() const { return {data_, shape_}; }
  operator TensorView<Scalar>() { return view(); }
  operator TensorView<const Scalar>() const { return view(); }
  operator MatrixView<Scalar>() { return view(); }
  operator MatrixView<const Scalar>() const { return view(); }

  /// Element at the given indices, one per dimension; bounds are asserted in debug builds.
  template <class... Indices>
  Scalar& operator()(Indices... indices) {
    return data_[offset(static_cast<Index>(indices)...)];
  }
  template <class... Indices>
  const Scalar& operator()(Indices... indices) const {
    return data_[offset(static_cast<Index>(indices)...)];
  }
  /// The one element of a tensor of size 1. Throws ShapeError otherwise.
  Scalar item() const {
    if (size() != 1) fail<ShapeError>("item", "wanted one element, got shape ", shape_);
    return data_[0];
  }
  /// A copy with another shape of the same size. Throws ShapeError when the sizes differ.
  Tensor reshaped(const Shape& shape) const {
    if (shape.size() != size()) {
      fail<ShapeError>("reshape", shape_, " does not have the size of ", shape);
    }
    Tensor out(*this);
    out.shape_ = shape;
    return out;
  }

  /// Eigen maps of the elements, with leading dimensions folded into rows.
  auto matrix() { return Eigen::Map<EigenMatrix<Scalar>, Eigen::Aligned64>(data_, rows(), cols()); }
  auto matrix() const { return Eigen::Map<const EigenMatrix<Scalar>, Eigen::Aligned64>(data_, rows(), cols()); }
  auto vector() { return Eigen::Map<Eigen::Matrix<Scalar, Eigen::Dynamic, 1>, Eigen::Aligned64>(data_, size()); }
  auto vector() const {
    return Eigen::Map<const Eigen::Matrix<Scalar, Eigen::Dynamic, 1>, Eigen::Aligned64>(data_, size());
  }
  auto array() { return vector().array(); }
  auto array() const { return vector().array(); }

 private:
  static Scalar* allocate(Index count) {
    static_assert(std::is_arithmetic_v<Scalar>, "a tensor holds numbers");
    if (count == 0) return nullptr;
    return static_cast<Scalar*>(::operator new(static_cast<std::size_t>(count) * sizeof(Scalar), std::align_val_t{64}));
  }
  template <class Derived>
  static Shape shape_of(const Eigen::DenseBase<Derived>& expression) {
    if constexpr (Derived::IsVectorAtCompileTime) {
      return {expression.size()};
    } else {
      return {expression.rows(), expression.cols()};
    }
  }
  template <class Derived>
  void assign(const Eigen::DenseBase<Derived>& expression) {
    using Kind = typename Eigen::internal::traits<Derived>::XprKind;
    const auto& source = expression.derived();
    Eigen::Map<EigenMatrix<Scalar>, Eigen::Aligned64> map(data_, source.rows(), source.cols());
    if constexpr (std::is_same_v<Kind, Eigen::ArrayXpr>) {
      map.array() = source;
    } else {
      map.noalias() = source;
    }
  }
  template <class... Indices>
  Index offset(Indices... indices) const {
    assert(sizeof...(Indices) == static_cast<std::size_t>(shape_.rank()) && "one index per dimension");
    Index at = 0;
    int i = 0;
    ((assert(indices >= 0 && indices < shape_[i]), at = at * shape_[i] + indices, ++i), ...);
    return at;
  }
  void swap(Tensor& other) noexcept {
    std::swap(shape_, other.shape_);
    std::swap(data_, other.data_);
  }

  Shape shape_;
  Scalar* data_ = nullptr;
};
Tensor(const Shape&) -> Tensor<float>;
template <class Scalar>
Tensor(TensorView<Scalar>) -> Tensor<std::remove_const_t<Scalar>>;
template <class Derived>
Tensor(const Eigen::DenseBase<Derived>&) -> Tensor<typename Derived::Scalar>;

/// Prints the shape and below it at most eight rows and columns.
template <class Scalar>
std::ostream& operator<<(std::ostream& out, TensorView<const Scalar> view) {
  constexpr Index most = 8;
  out << to_string(view.shape());
  if (view.size() == 0) return out;
  for (Index i = 0; i < std::min(view.rows(), most); ++i) {
    out << "\n ";
    for (Index j = 0; j < std::min(view.cols(), most); ++j) out << ' ' << view(i, j);
    if (view.cols() > most) out << " ..";
  }
  if (view.rows() > most) out << "\n  ..";
  return out;
}
template <class Scalar>
std::ostream& operator<<(std::ostream& out, const Tensor<Scalar>& tensor) {
  return out << tensor.view();
}

}  // namespace heed::inline HEED_ABI
