// SPDX-License-Identifier: Apache-2.0
// Gradient clipping.
#pragma once

#include <cmath>

#include "heed/autograd/parameter_list.hpp"
#include "heed/autograd/row_updates.hpp"
#include "heed/core/error.hpp"
#include "heed/kernels/sum_of_squares.hpp"

namespace heed::inline HEED_ABI::optim {

struct ClipOptions {
  bool error_if_nonfinite = false;  ///< true: throws Error, naming a parameter, before any gradient is changed

  void fields(auto&& visitor) { visitor("error_if_nonfinite", error_if_nonfinite); }
};

namespace detail {

/// Calls `f(begin, end)` for the ranges of p's gradient that may be non-zero, in ascending order.
template <class Scalar, class F>
void for_each_used_part(const Parameter<Scalar>& p, const F& f) {
  RowUpdates* const rows = p.row_updates();
  if (rows == nullptr || rows->all_prepared()) return f(Index{0}, p.size());
  const Index width = p.size() / p.shape()[0];
  for (const Index row : rows->prepared()) f(row * width, (row + 1) * width);
}

}  // namespace detail

/// Multiplies all gradients by min(1, max_norm / (norm + 1e-6)), where norm is the 2-norm of all gradients together,
/// and returns this norm. As in torch.nn.utils.clip_grad_norm_, an infinite or NaN gradient makes the others 0 or NaN.
/// Sums in double, in a fixed order. The gradient of a row that stays zero (Parameter::zero_row) is cleared first.
/// Throws OptionError for a negative max_norm.
template <class Scalar>
double clip_gradient_norm(const ParameterList<Scalar>& parameters, double max_norm, const ClipOptions& options = {}) {
  if (!(max_norm >= 0)) fail<OptionError>("clip_gradient_norm", "max_norm ", max_norm, " is negative or NaN");
  double squares = 0;
  for (const NamedParameter<Scalar>& named : parameters) {
    const Parameter<Scalar>& parameter = *named.parameter;
    Scalar* gradient = parameter.gradient().data();
    if (parameter.zero_row() >= 0) {
      const Index row = parameter.size() / parameter.shape()[0];
      std::fill_n(gradient + parameter.zero_row() * row, row, Scalar(0));
    }
    kernels::SumOfSquares sum;
    detail::for_each_used_part(parameter, [&](Index begin, Index end) { sum.add(begin, end, gradient); });
    const double own = sum.total();
    if (options.error_if_nonfinite && !std::isfinite(own)) {
      fail<Error>("clip_gradient_norm", "the gradient of ", named.name, " has norm ", std::sqrt(own));
    }
    squares += own;
  }
  const double norm = std::sqrt(squares), factor = max_norm / (norm + 1e-6);
  const Scalar scale = static_cast<Scalar>(factor > 1 ? 1 : factor);
  for (const NamedParameter<Scalar>& named : parameters) {
    auto gradient = named.parameter->gradient().array();
    detail::for_each_used_part(*named.parameter,
                               [&](Index begin, Index end) { gradient.segment(begin, end - begin) *= scale; });
  }
  return norm;
}

}  // namespace heed::inline HEED_ABI::optim
