// SPDX-License-Identifier: Apache-2.0
// Reduction of elementwise losses to one loss.
#pragma once

#include <cstdint>
#include <span>

#include "heed/autograd/tape.hpp"
#include "heed/core/options.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI {

/// mean: over the elements that are not ignored, 0 (with zero gradients) if all are; sum; none: one loss per element.
enum class Reduction : std::uint8_t { mean, sum, none };
constexpr auto names(Reduction) { return enum_names("mean", "sum", "none"); }

namespace detail {

/// Returns the loss over elements of `shape`. `terms(begin, end, out)` returns the sum of the losses of a range of
/// elements, and writes each loss to `out` unless it is null.
template <class Scalar, class Terms>
TensorView<Scalar> elementwise_loss(Tape<Scalar>& tape, const Shape& shape, Reduction reduction, const Terms& terms) {
  const Index size = shape.size();
  if (reduction == Reduction::none) {
    const auto y = tape.allocate(shape);
    tape.executor().run_ranges(size, elementwise_grain,
                               [&](Index begin, Index end, int) { terms(begin, end, y.data() + begin); });
    return y;
  }
  constexpr Index block = 4096;  // the sums of blocks are added in double
  const auto y = tape.allocate({});
  const Index blocks = ceil_divide(size, block);
  ArenaScope scope(tape.scratch());
  double* partial = tape.scratch().template array<double>(blocks);
  tape.executor().run_ranges(size, block, [&](Index begin, Index end, int) {
    partial[begin / block] = static_cast<double>(terms(begin, end, nullptr));
  });
  double total = 0;
  for (Index i = 0; i < blocks; ++i) total += partial[i];
  if (reduction == Reduction::mean && size > 0) total /= static_cast<double>(size);
  y[0] = static_cast<Scalar>(total);
  return y;
}

/// The gradient with respect to the loss of element i: scale * each[i], or `scale` if `each` is null.
template <class Scalar>
struct LossGradient {
  const Scalar* each;
  Scalar scale;

  /// `count` is the number of elements that the mean was taken over.
  LossGradient(TensorView<const Scalar> dloss, Reduction reduction, Index count)
      : each(reduction == Reduction::none ? dloss.data() : nullptr),
        scale(reduction == Reduction::none ? Scalar(1) : dloss[0]) {
    if (reduction == Reduction::mean && count > 0) scale /= static_cast<Scalar>(count);
  }
  const Scalar* from(Index i) const { return each == nullptr ? nullptr : each + i; }
};

/// Returns the number of targets that are not `ignored`. Throws IndexError if one of those is outside 0 .. size - 1.
[[gnu::noinline]] inline Index count_targets(std::string_view operation, std::span<const Index> targets, Index size,
                                             const char* classes, Index ignored) {
  Index count = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (targets[i] == ignored) continue;
    if (targets[i] < 0 || targets[i] >= size) {
      fail<IndexError>(operation, "target ", targets[i], " of row ", i, " is not one of ", size, " ", classes);
    }
    ++count;
  }
  return count;
}

/// Checks the arguments of a loss over a catalogue: x [.., d], weight [items, d], bias [items] or empty, targets
/// [rows], reduced to one number. Returns the number of targets that are not `ignored`.
template <class Scalar>
[[gnu::noinline]] Index check_catalogue_loss(std::string_view operation, Var<Scalar> x, Var<Scalar> weight,
                                             Var<Scalar> bias, std::span<const Index> targets, Index ignored,
                                             Reduction reduction) {
  if (x.shape().rank() == 0 || weight.shape().rank() != 2 || x.cols() != weight.cols() ||
      std::ssize(targets) != x.rows() || (bias && bias.shape() != Shape{weight.rows()})) {
    fail<ShapeError>(operation, "input ", x.shape(), ", weight ", weight.shape(), ", bias ",
                     bias ? to_string(bias.shape()) : "none", " and ", targets.size(),
                     " targets do not fit [rows, d], [items, d], [items] and rows");
  }
  if (reduction == Reduction::none) fail<OptionError>(operation, "reduction must be mean or sum");
  return count_targets(operation, targets, weight.rows(), "items", ignored);
}

/// Returns an elementwise loss of predictions and targets. `forward(size, x, t, each)` returns the sum of the losses,
/// and writes each loss to `each` unless it is null; `backward(size, x, t, dloss, scale, dx, dt)` adds to dx and dt
/// unless they are null. Throws ShapeError unless the shapes are equal: losses never broadcast.
template <class Scalar, class Forward, class Backward>
Var<Scalar> pairwise_loss(std::string_view operation, Var<Scalar> prediction, Var<Scalar> target, Reduction reduction,
                          Forward forward, Backward backward,
                          std::source_location where = std::source_location::current()) {
  Tape<Scalar>& tape = tape_of(operation, prediction, target);
  if (prediction.shape() != target.shape()) {
    fail<ShapeError>(operation, "prediction ", prediction.shape(), " and target ", target.shape(), " differ in shape");
  }
  const auto x = dense(tape, prediction), t = dense(tape, target);
  const auto y = elementwise_loss(tape, x.shape(), reduction, [&](Index begin, Index end, Scalar* out) {
    return forward(end - begin, x.data() + begin, t.data() + begin, out);
  });
  const auto add_gradients = [=](const Gradients<Scalar>& g) {
    const LossGradient<Scalar> up(g.output(), reduction, x.size());
    const auto add = [&](Scalar* dx, Scalar* dt) {
      g.tape().executor().run_ranges(x.size(), elementwise_grain, [&](Index begin, Index end, int) {
        backward(end - begin, x.data() + begin, t.data() + begin, up.from(begin), up.scale,
                 dx == nullptr ? nullptr : dx + begin, dt == nullptr ? nullptr : dt + begin);
      });
    };
    if (const auto dx = g(prediction)) add_dense(g.tape(), dx, [&](Scalar* out) { add(out, nullptr); });
    if (const auto dt = g(target)) add_dense(g.tape(), dt, [&](Scalar* out) { add(nullptr, out); });
  };
  return record(tape, {prediction, target}, y, add_gradients, where);
}

}  // namespace detail
}  // namespace heed::inline HEED_ABI
