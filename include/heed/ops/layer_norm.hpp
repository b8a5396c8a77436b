// SPDX-License-Identifier: Apache-2.0
// Layer normalisation.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/layer_norm.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI {

/// Returns (x - mean) / sqrt(variance + epsilon) * weight + bias for each row of x [.., features], with the biased
/// variance; weight, bias [features] (Ba, Kiros and Hinton 2016). Throws ShapeError, OptionError for epsilon < 0.
template <class Scalar>
Var<Scalar> layer_norm(Var<Scalar> x, Var<Scalar> weight, Var<Scalar> bias, double epsilon = 1e-5) {
  Tape<Scalar>& tape = tape_of("layer_norm", x, weight, bias);
  const Index rows = x.rows(), features = x.cols();
  if (x.shape().rank() == 0 || weight.shape() != Shape{features} || bias.shape() != Shape{features}) {
    fail<ShapeError>("layer_norm", "input ", x.shape(), " does not end in the features of weight ", weight.shape(),
                     " and bias ", bias.shape());
  }
  if (!(epsilon >= 0)) fail<OptionError>("layer_norm", "epsilon ", epsilon, " is negative");
  const auto y = tape.allocate(x.shape());
  const auto mean = tape.allocate({rows}), rstd = tape.allocate({rows});
  const auto in = x.value().matrix();
  const Scalar* const w = weight.value().data();
  const Scalar* const b = bias.value().data();
  tape.executor().run_ranges(rows, detail::row_grain, [&](Index begin, Index end, int) {
    kernels::layer_norm_forward<Scalar>(in.rows(begin, end), w, b, static_cast<Scalar>(epsilon), mean.data() + begin,
                                        rstd.data() + begin, y.matrix().rows(begin, end));
  });
  return record(tape, {x, weight, bias}, y, [=](const Gradients<Scalar>& g) {
    Tape<Scalar>& t = g.tape();
    const auto dx = g(x), dweight = g(weight), dbias = g(bias);
    const auto dy = g.output().matrix();
    // Each block of rows is summed separately; the partial sums are added in order.
    const Index blocks = ceil_divide(rows, detail::row_grain);
    ArenaScope scope(t.scratch());
    const auto block_sums = [&](TensorView<Scalar> wanted) {
      if (!wanted) return wanted;
      const auto sums = t.scratch().template tensor<Scalar>({blocks, features});
      std::fill_n(sums.data(), sums.size(), Scalar(0));
      return sums;
    };
    const auto weight_sums = block_sums(dweight), bias_sums = block_sums(dbias);
    t.executor().run_ranges(rows, detail::row_grain, [&](Index begin, Index end, int) {
      const Index block = begin / detail::row_grain;
      kernels::layer_norm_backward<Scalar>(in.rows(begin, end), w, mean.data() + begin, rstd.data() + begin,
                                           dy.rows(begin, end), dx.rows(begin, end), weight_sums.row(block),
                                           bias_sums.row(block));
    });
    if (dweight) kernels::add_column_sums<Scalar>(weight_sums, dweight.data());
    if (dbias) kernels::add_column_sums<Scalar>(bias_sums, dbias.data());
  });
}

}  // namespace heed::inline HEED_ABI
