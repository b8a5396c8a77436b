// SPDX-License-Identifier: Apache-2.0
// Inverted dropout.
#pragma once

#include "heed/kernels/dropout.hpp"
#include "heed/ops/detail/elementwise.hpp"

namespace heed::inline HEED_ABI {

/// While the tape is training, zeroes each element with this probability and divides the others by 1 - probability;
/// otherwise returns x. The mask depends on `Tape::next_random` and each element's position in x, and is never stored.
/// Throws OptionError unless the probability is in [0, 1).
template <class Scalar>
Var<Scalar> dropout(Var<Scalar> x, double probability) {
  Tape<Scalar>& tape = x.tape();
  check_probability("dropout", "probability", probability);
  if (!tape.training() || probability == 0) return x;
  const Random random = tape.next_random();
  return detail::elementwise(
      x, [=](const auto& e) { kernels::dropout_forward<Scalar>(random, probability, e.begin, e.end, e.x, e.y); },
      [=](const auto& e) { kernels::dropout_backward<Scalar>(random, probability, e.begin, e.end, e.dy, e.dx); });
}

}  // namespace heed::inline HEED_ABI
