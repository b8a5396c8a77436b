// SPDX-License-Identifier: Apache-2.0
// A trainable array and its gradient.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>

#include "heed/core/tensor.hpp"

namespace heed::inline HEED_ABI {

class RowUpdates;

/// A value and its gradient. Their addresses stay the same when the parameter, or the module that owns it, is moved.
/// Move-only. The gradient is not part of the value: it is mutable through a const parameter, so that the gradients of
/// a const module can be computed. Both are allocated, as zeros, when either is first accessed: until then a module
/// costs no more than its shapes. First accesses must not run concurrently.
template <class Scalar = float>
class Parameter {
 public:
  Parameter() : Parameter(Shape{0}) {}
  /// Zeros, marked as uninitialised: a tape throws StateError for the parameter until a value is assigned. Throws
  /// ShapeError when the size in bytes overflows an Index.
  [[gnu::noinline]] explicit Parameter(const Shape& shape) : state_(new State{.shape = shape}) {
    shape.checked_size(sizeof(Scalar));
  }
  /// As above, with one row (of the first dimension) that stays zero: initialisation clears it, optimisers skip it.
  Parameter(const Shape& shape, Index zero_row) : Parameter(shape) { state_->zero_row = zero_row; }
  Parameter(Parameter&&) noexcept = default;
  Parameter& operator=(Parameter&&) noexcept = default;
  [[gnu::noinline]] ~Parameter() = default;

  const Shape& shape() const { return state_->arrays ? state_->arrays->value.shape() : state_->shape; }
  Index size() const { return shape().size(); }
  /// Mutable access, which marks the parameter as initialised.
  Tensor<Scalar>& value() {
    state_->initialized = true;
    return arrays().value;
  }
  const Tensor<Scalar>& value() const { return arrays().value; }
  /// True once the value has been accessed for writing, and for a parameter without elements.
  bool initialized() const { return state_->initialized || size() == 0; }
  Tensor<Scalar>& gradient() const { return arrays().gradient; }
  /// The row that stays zero, or -1.
  Index zero_row() const { return state_->zero_row; }
  /// Null unless an optimiser updates this parameter row by row.
  RowUpdates*& row_updates() const { return state_->row_updates; }

  void zero_gradient() const {
    if (state_->arrays) std::fill_n(gradient().data(), size(), Scalar(0));
  }
  /// Clears the value and the gradient of the row that stays zero.
  void restore_zero_row() {
    if (zero_row() < 0 || !state_->arrays) return;
    const Index stride = size() / shape()[0];
    for (Tensor<Scalar>* tensor : {&state_->arrays->value, &state_->arrays->gradient}) {
      std::fill_n(tensor->data() + zero_row() * stride, stride, Scalar(0));
    }
  }

 private:
  struct Arrays {
    Tensor<Scalar> value, gradient;
  };
  struct State {
    Shape shape;
    std::optional<Arrays> arrays{};
    Index zero_row = -1;
    bool initialized = false;
    RowUpdates* row_updates = nullptr;
  };
  Arrays& arrays() const {
    if (!state_->arrays) state_->arrays = Arrays{Tensor<Scalar>(state_->shape), Tensor<Scalar>(state_->shape)};
    return *state_->arrays;
  }
  std::unique_ptr<State> state_;
};
Parameter(const Shape&) -> Parameter<float>;

}  // namespace heed::inline HEED_ABI
