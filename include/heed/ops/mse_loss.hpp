// SPDX-License-Identifier: Apache-2.0
// Squared error.
#pragma once

#include "heed/kernels/mse_loss.hpp"
#include "heed/ops/detail/reduction.hpp"

namespace heed::inline HEED_ABI {

namespace op {
struct mse_loss {
  static constexpr const char* name = "mse_loss";
};
}  // namespace op

/// (prediction - target)^2, reduced to shape [] or, with Reduction::none, of their shape. Gradients flow to both.
/// Throws ShapeError unless the shapes are the same.
template <class Scalar>
Var<Scalar> mse_loss(Var<Scalar> prediction, Var<Scalar> target, Reduction reduction = Reduction::mean) {
  Tape<Scalar>& tape = tape_of("mse_loss", prediction, target);
  detail::check_same_shape("mse_loss", prediction, target);
  const auto x = detail::dense(tape, prediction), t = detail::dense(tape, target);
  const auto y = detail::elementwise_loss(tape, x.shape(), reduction, [&](Index begin, Index end, Scalar* out) {
    return kernels::mse_loss_forward<Scalar>(end - begin, x.data() + begin, t.data() + begin, out);
  });
  return record(tape, {prediction, target}, y, [=](const Gradients<Scalar>& g) {
    const detail::LossGradient<Scalar> up(g.output(), reduction, x.size());
    const auto add = [&](Var<Scalar> input, TensorView<const Scalar> own, TensorView<const Scalar> other) {
      const auto d = g(input);
      if (!d) return;
      detail::add_dense(g.tape(), d, [&](Scalar* out) {
        g.tape().executor().run_ranges(own.size(), detail::elementwise_grain, [&](Index begin, Index end, int) {
          kernels::mse_loss_backward<Scalar>(end - begin, own.data() + begin, other.data() + begin, up.from(begin),
                                             up.scale, out + begin);
        });
      });
    };
    add(prediction, x, t);
    add(target, t, x);
  });
}

}  // namespace heed::inline HEED_ABI
