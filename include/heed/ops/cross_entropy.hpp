// SPDX-License-Identifier: Apache-2.0
// Cross-entropy of logits against class indices.
#pragma once

#include <span>

#include "heed/kernels/cross_entropy.hpp"
#include "heed/ops/detail/reduction.hpp"

namespace heed::inline HEED_ABI {

struct CrossEntropyOptions {
  Index ignore_index = -100;   ///< rows with this target are excluded from the loss and from the mean
  double label_smoothing = 0;  ///< s in [0, 1]: the target distribution is (1 - s) one-hot + s / classes
  Reduction reduction = Reduction::mean;

  void fields(auto&& visitor) {
    visitor("ignore_index", ignore_index, "label_smoothing", label_smoothing, "reduction", reduction);
  }
};

/// logits [rows, classes] (leading dimensions fold into rows), targets [rows] -> loss [], or [rows] with
/// Reduction::none. When every row is ignored, the mean and the gradients are 0 (PyTorch: NaN). Only the log-sum-exp of
/// each row is stored for the backward pass.
/// Throws ShapeError, IndexError for a target out of range, OptionError for a label_smoothing outside [0, 1].
template <class Scalar>
Var<Scalar> cross_entropy(Var<Scalar> logits, std::span<const Index> targets, const CrossEntropyOptions& options = {}) {
  Tape<Scalar>& tape = logits.tape();
  const Index rows = logits.rows(), classes = logits.cols();
  if (logits.shape().rank() < 1 || static_cast<Index>(targets.size()) != rows) {
    fail<ShapeError>("cross_entropy", "logits ", logits.shape(), " are not [rows, classes] for ", targets.size(),
                     " targets");
  }
  if (!(options.label_smoothing >= 0 && options.label_smoothing <= 1)) {
    fail<OptionError>("cross_entropy", "label_smoothing ", options.label_smoothing, " is not in [0, 1]");
  }
  const Index ignored = options.ignore_index;
  const Index count = detail::count_targets("cross_entropy", targets, classes, "classes", ignored);
  const Index* const kept = tape.keep(targets);
  const double smoothing = options.label_smoothing;
  const Reduction reduction = options.reduction;
  const auto log_sums = tape.allocate({rows});
  const auto y = tape.allocate(reduction == Reduction::none ? Shape{rows} : Shape{});
  ArenaScope scope(tape.scratch());
  const auto losses = reduction == Reduction::none ? y : tape.scratch().template tensor<Scalar>({rows});
  const auto x = logits.value();
  tape.executor().run_ranges(rows, detail::row_grain, [&](Index begin, Index end, int) {
    kernels::cross_entropy_forward<Scalar>(x.rows(begin, end), kept + begin, ignored, smoothing, losses.data() + begin,
                                           log_sums.data() + begin);
  });
  if (reduction != Reduction::none) {
    double total = 0;
    for (Index i = 0; i < rows; ++i) total += static_cast<double>(losses[i]);
    if (reduction == Reduction::mean && count > 0) total /= static_cast<double>(count);
    y[0] = static_cast<Scalar>(total);
  }
  return record(tape, {logits}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = g(logits);
    const detail::LossGradient<Scalar> up(g.output(), reduction, count);
    g.tape().executor().run_ranges(rows, detail::row_grain, [&](Index begin, Index end, int) {
      kernels::cross_entropy_backward<Scalar>(x.rows(begin, end), kept + begin, ignored, smoothing,
                                              log_sums.data() + begin, up.from(begin), up.scale, dx.rows(begin, end));
    });
  });
}

}  // namespace heed::inline HEED_ABI
