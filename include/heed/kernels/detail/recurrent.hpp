// SPDX-License-Identifier: Apache-2.0
// Shared by recurrent layers: the states of a group's members, a step's rows of packed arrays, products with panels.
#pragma once

#include <algorithm>

#include "heed/kernels/copy.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/kernels/time_major.hpp"

namespace heed::inline HEED_ABI::kernels::detail {

/// states(r) = of_sequences(sequence of member r), for all members.
template <class Scalar>
void load_states(const TimeMajor& order, Index group, MatrixView<const Scalar> of_sequences,
                 MatrixView<Scalar> states) {
  for (Index r = 0; r < states.rows(); ++r) {
    std::copy_n(of_sequences.row(order.member(group, r)), states.cols(), states.row(r));
  }
}
/// of_sequences(sequence of member r) = states(r), for members begin .. end - 1.
template <class Scalar>
void store_states(const TimeMajor& order, Index group, Index begin, Index end, MatrixView<const Scalar> states,
                  MatrixView<Scalar> of_sequences) {
  for (Index r = begin; r < end; ++r) {
    std::copy_n(states.row(r), states.cols(), of_sequences.row(order.member(group, r)));
  }
}
/// of_sequences(sequence of member r) += states(r), for all members; `of_sequences` may be empty.
template <class Scalar, class Isa>
void add_states(const TimeMajor& order, Index group, MatrixView<const Scalar> states, MatrixView<Scalar> of_sequences) {
  for (Index r = 0; of_sequences && r < states.rows(); ++r) {
    add_scaled<Scalar, Isa>(states.cols(), states.row(r), Scalar(1), of_sequences.row(order.member(group, r)));
  }
}
/// packed(source of row r) = x(r), for the rows of a step.
template <class Scalar>
void store_packed(const TimeMajor& order, TimeStep step, MatrixView<const Scalar> x, MatrixView<Scalar> packed) {
  for (Index r = 0; r < step.rows; ++r) std::copy_n(x.row(r), x.cols(), packed.row(order.source[step.first + r]));
}
/// x(r) += packed(source of row r), for the rows of a step.
template <class Scalar, class Isa>
void add_packed(const TimeMajor& order, TimeStep step, MatrixView<const Scalar> packed, MatrixView<Scalar> x) {
  for (Index r = 0; r < step.rows; ++r) {
    add_scaled<Scalar, Isa>(x.cols(), packed.row(order.source[step.first + r]), Scalar(1), x.row(r));
  }
}

/// y = x B + bias, or y + x B + bias with `accumulate`. B [K, N] is stored in panels of `wide` columns, each [K, n].
/// `bias` may be null.
template <class Scalar, class Isa>
void multiply_panels(MatrixView<const Scalar> x, const Scalar* panels, Index wide, MatrixView<Scalar> y,
                     const Scalar* bias = nullptr, bool accumulate = false) {
  for (Index j = 0, end = 0; j < y.cols(); j = end) {
    end = std::min(j + wide, y.cols());
    gemm<Scalar, Isa>(x, {panels + x.cols() * j, {x.cols(), end - j}}, y.columns(j, end),
                      {.bias = bias != nullptr ? bias + j : nullptr, .accumulate = accumulate});
  }
}

}  // namespace heed::inline HEED_ABI::kernels::detail
