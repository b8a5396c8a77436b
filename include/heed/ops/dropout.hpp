// SPDX-License-Identifier: Apache-2.0
// Inverted dropout.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/dropout.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI {

namespace op {
struct dropout {
  static constexpr const char* name = "dropout";
};
}  // namespace op

/// While the tape is training: 0 with this probability, x / (1 - probability) otherwise; else x itself. The mask comes
/// from `Tape::next_random`, an element's own by its position in x, and is never stored.
/// Throws OptionError unless the probability is in [0, 1).
template <class Scalar>
Var<Scalar> dropout(Var<Scalar> x, double probability) {
  Tape<Scalar>& tape = x.tape();
  if (!(probability >= 0 && probability < 1)) {
    fail<OptionError>("dropout", "probability ", probability, " is not in [0, 1)");
  }
  if (!tape.training() || probability == 0) return x;
  const auto in = detail::dense(tape, x);
  const auto y = tape.allocate(x.shape());
  const Random random = tape.next_random();
  tape.executor().run_ranges(y.size(), detail::elementwise_grain, [&](Index begin, Index end, int) {
    kernels::dropout_forward<Scalar>(random, probability, begin, end, in.data() + begin, y.data() + begin);
  });
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = g(x);
    if (!dx) return;
    detail::add_dense(g.tape(), dx, [&](Scalar* out) {
      g.tape().executor().run_ranges(y.size(), detail::elementwise_grain, [&](Index begin, Index end, int) {
        kernels::dropout_backward<Scalar>(random, probability, begin, end, g.output().data() + begin, out + begin);
      });
    });
  });
}

}  // namespace heed::inline HEED_ABI
