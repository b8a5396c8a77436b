// SPDX-License-Identifier: Apache-2.0
// How the losses of elements become a loss.
#pragma once

#include <cstdint>
#include <span>

#include "heed/autograd/tape.hpp"
#include "heed/core/options.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI {

/// mean: over everything that counts, 0 (with zero gradients) when nothing does; sum; none: one loss an element.
enum class Reduction : std::uint8_t { mean, sum, none };
constexpr auto names(Reduction) { return enum_names("mean", "sum", "none"); }

namespace detail {

/// The loss over elements of `shape`. `terms(begin, end, out)` returns the sum of the losses of a range of elements,
/// and writes each to `out` unless that is null.
template <class Scalar, class Terms>
TensorView<Scalar> elementwise_loss(Tape<Scalar>& tape, const Shape& shape, Reduction reduction, const Terms& terms) {
  const Index size = shape.size();
  if (reduction == Reduction::none) {
    const auto y = tape.allocate(shape);
    tape.executor().run_ranges(size, elementwise_grain,
                               [&](Index begin, Index end, int) { terms(begin, end, y.data() + begin); });
    return y;
  }
  constexpr Index block = 4096;  // longer sums go on in double
  const auto y = tape.allocate({});
  const Index blocks = (size + block - 1) / block;
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

/// The gradient of a loss as that of its elements: scale * each[i], or `scale` where `each` is null.
template <class Scalar>
struct LossGradient {
  const Scalar* each;
  Scalar scale;

  /// `count`: over how many elements the mean was taken.
  LossGradient(TensorView<const Scalar> dloss, Reduction reduction, Index count)
      : each(reduction == Reduction::none ? dloss.data() : nullptr),
        scale(reduction == Reduction::none ? Scalar(1) : dloss[0]) {
    if (reduction == Reduction::mean && count > 0) scale /= static_cast<Scalar>(count);
  }
  const Scalar* from(Index i) const { return each == nullptr ? nullptr : each + i; }
};

/// How many targets are not `ignored`. Throws IndexError for one of those that is not among `size` `classes`.
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

/// Losses never broadcast.
template <class Scalar>
void check_same_shape(std::string_view operation, Var<Scalar> prediction, Var<Scalar> target) {
  if (prediction.shape() == target.shape()) return;
  fail<ShapeError>(operation, "prediction ", prediction.shape(), " and target ", target.shape(), " differ in shape");
}

}  // namespace detail
}  // namespace heed::inline HEED_ABI
