// SPDX-License-Identifier: Apache-2.0
// A gradient that an operation writes, instead of adding to zeros.
#pragma once

#include <algorithm>

#include "heed/autograd/tape.hpp"

namespace heed::inline HEED_ABI::detail {

/// Where dL/dx of an input x goes. `Gradients::operator()` clears an array of gradients before it is added to: a pass
/// over memory that an operation saves when it writes all of the gradient, or clears each row just before it adds to
/// it. (x may be a view, for example a slice; its gradient is then a view of the gradient of a whole array.)
template <class Scalar>
class GradientSink {
 public:
  /// Who clears a gradient that nothing has been added to.
  enum class Clearing {
    writes,  ///< nobody, where x is a whole array: the operation writes all of view() if fresh(), else it adds
    rows     ///< the operation, by zero_rows() for each row before it adds to it; `has_array_rows` must hold
  };

  GradientSink() = default;
  /// One that holds numbers to add to; empty when it is not wanted.
  explicit GradientSink(TensorView<Scalar> gradient) : view_(gradient) {}
  [[gnu::noinline]] GradientSink(const Gradients<Scalar>& g, Var<Scalar> x, Clearing clearing = Clearing::writes) {
    if (!x || !x.requires_grad()) return;
    const auto& array = g.tape().array_of(x);
    const bool fresh =
        array.gradient == nullptr && (clearing == Clearing::rows || array.value.size() == x.shape().size());
    view_ = g.tape().gradient_of(x, !fresh);
    if (fresh) fresh_ = TensorView<Scalar>(array.gradient, array.value.shape()).matrix();
  }

  /// Row i of x is row i of its array, or a part of it. True when x needs no gradient.
  static bool has_array_rows(const Gradients<Scalar>& g, Var<Scalar> x) {
    const auto& part = g.tape().at(x);
    const auto& array = g.tape().array_of(x);
    if (!part.requires_grad) return true;
    return part.value.rows() == array.value.rows() && part.value.row_stride() == array.value.cols() &&
           part.value.data() - array.value.data() + part.value.cols() <= array.value.cols();
  }

  /// dL/dx, of x's shape and row stride; empty when x needs none.
  const TensorView<Scalar>& view() const { return view_; }
  /// view() holds nothing yet, not even zeros.
  bool fresh() const { return static_cast<bool>(fresh_); }
  /// Clears rows begin .. end - 1 of x's array where they hold nothing yet.
  void zero_rows(Index begin, Index end) const {
    if (fresh_) std::fill_n(fresh_.row(begin), (end - begin) * fresh_.cols(), Scalar(0));
  }

 private:
  TensorView<Scalar> view_;
  MatrixView<Scalar> fresh_;  ///< the gradient of x's array, as long as it holds nothing
};

}  // namespace heed::inline HEED_ABI::detail
