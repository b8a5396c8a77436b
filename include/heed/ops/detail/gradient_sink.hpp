// SPDX-License-Identifier: Apache-2.0
// A gradient that an operation may write directly, instead of adding to zeros.
#pragma once

#include <algorithm>

#include "heed/autograd/tape.hpp"

namespace heed::inline HEED_ABI::detail {

/// The memory for the gradient with respect to an input x. `Gradients::operator()` zeroes a new gradient before it is
/// added to. An operation saves this pass over memory by writing the whole gradient, or by zeroing each row just before
/// it adds to it. (If x is a view, for example a slice, its gradient is a view of the gradient of a whole array.)
template <class Scalar>
class GradientSink {
 public:
  /// How a gradient that nothing has been added to is initialised.
  enum class Clearing {
    writes,  ///< if x is a whole array, the operation writes all of view() when fresh(), and else adds to it
    rows     ///< the operation calls zero_rows() for each row before it adds to it; requires `has_array_rows`
  };

  GradientSink() = default;
  /// A sink for an initialised gradient, which is added to; empty if no gradient is needed.
  explicit GradientSink(TensorView<Scalar> gradient) : view_(gradient) {}
  [[gnu::noinline]] GradientSink(const Gradients<Scalar>& g, Var<Scalar> x, Clearing clearing = Clearing::writes) {
    if (!x || !x.requires_grad()) return;
    const auto& array = g.tape().array_of(x);
    const bool fresh =
        array.gradient == nullptr && (clearing == Clearing::rows || array.value.size() == x.shape().size());
    view_ = g.tape().gradient_of(x, !fresh);
    if (fresh) fresh_ = TensorView<Scalar>(array.gradient, array.value.shape()).matrix();
  }

  /// Returns whether row i of x is row i of its array, or a part of it. True if x needs no gradient.
  static bool has_array_rows(const Gradients<Scalar>& g, Var<Scalar> x) {
    const auto& part = g.tape().at(x);
    const auto& array = g.tape().array_of(x);
    if (!part.requires_grad) return true;
    return part.value.rows() == array.value.rows() && part.value.row_stride() == array.value.cols() &&
           part.value.data() - array.value.data() + part.value.cols() <= array.value.cols();
  }

  /// The gradient with respect to x, of x's shape and row stride; empty if x needs none.
  const TensorView<Scalar>& view() const { return view_; }
  /// Whether view() is uninitialised memory.
  bool fresh() const { return static_cast<bool>(fresh_); }
  /// Zeroes rows begin .. end - 1 of the gradient of x's array if it is uninitialised.
  void zero_rows(Index begin, Index end) const {
    if (fresh_) std::fill_n(fresh_.row(begin), (end - begin) * fresh_.cols(), Scalar(0));
  }

 private:
  TensorView<Scalar> view_;
  MatrixView<Scalar> fresh_;  ///< the gradient of x's array if it is uninitialised, else empty
};

}  // namespace heed::inline HEED_ABI::detail
