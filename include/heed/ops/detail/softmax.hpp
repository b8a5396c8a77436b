// SPDX-License-Identifier: Apache-2.0
// Masked rows, shared by softmax and log_softmax.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/softmax.hpp"
#include "heed/ops/detail/dense.hpp"
#include "heed/ops/detail/mask.hpp"

namespace heed::inline HEED_ABI::detail {

/// Returns the softmax, or its logarithm, of each row of x under the mask.
template <class Scalar>
Var<Scalar> softmax_rows(std::string_view operation, Var<Scalar> x, const Mask& mask, bool logarithm,
                         std::source_location where = std::source_location::current()) {
  Tape<Scalar>& tape = x.tape();
  const Shape shape = x.shape();
  const bool masked = mask.is_causal() || mask.key_lengths() != nullptr || !mask.terms().empty();
  if (shape.rank() == 0 || (masked && shape.rank() < 2)) {
    fail<ShapeError>(operation, "wanted ", masked ? "[.., queries, keys]" : "at least one dimension", ", got ", shape);
  }
  const Index keys = shape.cols(), queries = shape.rank() > 1 ? shape[-2] : 1;
  const Index sequences = shape.rank() > 2 ? shape[0] : 1;
  const Index rows_each = sequences == 0 ? 1 : shape.rows() / sequences;
  MaskView<Scalar> visible;
  if (masked) visible = resolve(operation, tape, mask, sequences, queries, keys);
  const auto y = tape.allocate(shape);
  const TensorView<const Scalar> in = x.value();
  // log_softmax requires a scratch buffer for the masked scores, since it reads them while it writes y.
  const bool scratch = masked && logarithm;
  ArenaScope scope(tape.scratch());
  const Index grain = 1 + elementwise_grain / (keys + 1);
  Scalar* scores = scratch ? tape.scratch().template array<Scalar>(tape.executor().threads() * keys) : nullptr;
  tape.executor().run_ranges(in.rows(), grain, [&](Index begin, Index end, int worker) {
    for (Index r = begin; r < end; ++r) {
      const Scalar* from = in.row(r);
      if (masked) {
        Scalar* to = scratch ? scores + worker * keys : y.row(r);
        kernels::mask_row(visible, r / rows_each, r % queries, queries, keys, from, to);
        from = to;
      }
      if (logarithm) {
        kernels::log_softmax_row(keys, from, y.row(r));
      } else {
        kernels::softmax_row(keys, from, y.row(r));
      }
    }
  });
  const auto add_gradients = [=](const Gradients<Scalar>& g) {
    const auto dx = g(x);
    g.tape().executor().run_ranges(dx.rows(), grain, [&](Index begin, Index end, int) {
      for (Index r = begin; r < end; ++r) {
        const Scalar* dy = g.output().row(r);
        if (logarithm) {
          kernels::log_softmax_row_backward<Scalar>(keys, y.row(r), dy, dx.row(r));
        } else {
          kernels::softmax_row_backward<Scalar>(keys, y.row(r), dy, dx.row(r));
        }
      }
    });
  };
  return record(tape, {x}, y, add_gradients, where);
}

}  // namespace heed::inline HEED_ABI::detail
