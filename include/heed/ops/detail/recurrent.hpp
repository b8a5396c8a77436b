// SPDX-License-Identifier: Apache-2.0
// Shared by recurrent layers: checks of arguments, the time-major order and the gradient with respect to the input.
#pragma once

#include "heed/kernels/time_major.hpp"
#include "heed/ops/detail/product.hpp"
#include "heed/ops/detail/run_with_scratch.hpp"

namespace heed::inline HEED_ABI::detail {

template <class Scalar>
[[gnu::noinline]] void check_shape(std::string_view operation, const char* what, Var<Scalar> got, const Shape& wanted) {
  if (got.shape() != wanted) fail<ShapeError>(operation, what, " is ", got.shape(), ", wanted ", wanted);
}

/// Checks x [tokens, input], weight_ih [gates H, input], weight_hh [gates H, R] and the biases [gates H]; R is H unless
/// `projection` [R, H] is given.
template <class Scalar, class Weights>
[[gnu::noinline]] void check_recurrent(std::string_view operation, Index gates, Var<Scalar> x, const Segments& segments,
                                       const Weights& w, Var<Scalar> projection = {}) {
  const Index rows = w.weight_ih.shape().rank() == 2 ? w.weight_ih.rows() : -1;
  if (rows < 0 || rows % gates != 0) {
    fail<ShapeError>(operation, "weight_ih is ", w.weight_ih.shape(), ", wanted [", gates, " hidden, input]");
  }
  if (x.shape().rank() != 2 || x.cols() != w.weight_ih.cols() || x.rows() != segments.tokens()) {
    fail<ShapeError>(operation, "input is ", x.shape(), ", wanted [", segments.tokens(), " tokens, ",
                     w.weight_ih.cols(), " features]");
  }
  check_shape(operation, "weight_hh", w.weight_hh, {rows, projection ? projection.rows() : rows / gates});
  if (projection) check_shape(operation, "weight_hr", projection, {projection.rows(), rows / gates});
  if (static_cast<bool>(w.bias_ih) != static_cast<bool>(w.bias_hh)) {
    fail<ShapeError>(operation, "bias_ih and bias_hh must be given together");
  }
  if (!w.bias_ih) return;
  check_shape(operation, "bias_ih", w.bias_ih, {rows});
  check_shape(operation, "bias_hh", w.bias_hh, {rows});
}

/// Returns the order of the sequences, on the tape.
template <class Scalar>
kernels::TimeMajor time_major(Tape<Scalar>& tape, const Segments& segments, bool reverse) {
  kernels::TimeMajor order{.segments = tape.keep(segments), .reverse = reverse};
  order.source = tape.template allocate_array<Index>(segments.tokens());
  order.first = tape.template allocate_array<Index>(order.groups() + 1);
  order.arrange();
  return order;
}

/// Adds d_gates w_ih, whose rows are time-major, to dx.
template <class Scalar>
void add_input_gradient(Tape<Scalar>& tape, const kernels::TimeMajor& order, MatrixView<const Scalar> d_gates,
                        MatrixView<const Scalar> w_ih, MatrixView<Scalar> dx) {
  const auto d_inputs = tape.scratch().template tensor<Scalar>({dx.rows(), dx.cols()});
  tape.executor().run_ranges(dx.rows(), row_grain, [&](Index begin, Index end, int) {
    kernels::gemm<Scalar>(d_gates.rows(begin, end), w_ih, d_inputs.rows(begin, end));
    for (Index i = begin; i < end; ++i) {
      kernels::add_scaled<Scalar>(dx.cols(), d_inputs.row(i), Scalar(1), dx.row(order.source[i]));
    }
  });
}

}  // namespace heed::inline HEED_ABI::detail
