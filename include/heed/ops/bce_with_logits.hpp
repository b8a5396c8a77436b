// SPDX-License-Identifier: Apache-2.0
// Binary cross-entropy of logits.
#pragma once

#include "heed/kernels/bce_with_logits.hpp"
#include "heed/ops/detail/reduction.hpp"

namespace heed::inline HEED_ABI {

namespace op {
struct bce_with_logits {
  static constexpr const char* name = "bce_with_logits";
};
}  // namespace op

/// -t log sigmoid(x) - (1 - t) log(1 - sigmoid(x)) for logits x and targets t in [0, 1], exact for logits of any size;
/// reduced to shape [] or, with Reduction::none, of their shape. Gradients flow to both.
/// Throws ShapeError unless the shapes are the same.
template <class Scalar>
Var<Scalar> bce_with_logits(Var<Scalar> logits, Var<Scalar> targets, Reduction reduction = Reduction::mean) {
  Tape<Scalar>& tape = tape_of("bce_with_logits", logits, targets);
  detail::check_same_shape("bce_with_logits", logits, targets);
  const auto x = detail::dense(tape, logits), t = detail::dense(tape, targets);
  const auto y = detail::elementwise_loss(tape, x.shape(), reduction, [&](Index begin, Index end, Scalar* out) {
    return kernels::bce_with_logits_forward<Scalar>(end - begin, x.data() + begin, t.data() + begin, out);
  });
  return record(tape, {logits, targets}, y, [=](const Gradients<Scalar>& g) {
    const detail::LossGradient<Scalar> up(g.output(), reduction, x.size());
    const auto add = [&](Scalar* dx, Scalar* dt) {
      g.tape().executor().run_ranges(x.size(), detail::elementwise_grain, [&](Index begin, Index end, int) {
        kernels::bce_with_logits_backward<Scalar>(end - begin, x.data() + begin, t.data() + begin, up.from(begin),
                                                  up.scale, dx == nullptr ? nullptr : dx + begin,
                                                  dt == nullptr ? nullptr : dt + begin);
      });
    };
    if (const auto dx = g(logits)) detail::add_dense(g.tape(), dx, [&](Scalar* out) { add(out, nullptr); });
    if (const auto dt = g(targets)) detail::add_dense(g.tape(), dt, [&](Scalar* out) { add(nullptr, out); });
  });
}

}  // namespace heed::inline HEED_ABI
