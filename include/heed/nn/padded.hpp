// SPDX-License-Identifier: Apache-2.0
// Conversion between padded and ragged arrays: the same kernels run, so padded and ragged results agree bit for bit.
#pragma once

#include <algorithm>
#include <span>

#include "heed/core/segments.hpp"
#include "heed/ops/gather.hpp"
#include "heed/ops/reshape.hpp"

namespace heed::inline HEED_ABI::nn {

/// x [batch, time, features] -> [tokens, features]: the first segments.length(b) rows of each sequence.
/// Throws ShapeError when the batch size differs or a length exceeds the number of time steps.
template <class Scalar>
Var<Scalar> pack_padded(Var<Scalar> x, const Segments& segments) {
  if (x.shape().rank() != 3 || x.shape()[0] != segments.count() || x.shape()[1] < segments.max_length()) {
    fail<ShapeError>("pack_padded", "input ", x.shape(), " for ", segments.count(), " sequences of up to ",
                     segments.max_length());
  }
  const Index time = x.shape()[1];
  Arena& scratch = x.tape().scratch();
  ArenaScope scope(scratch);
  Index* rows = scratch.array<Index>(segments.tokens());
  for (Index b = 0; b < segments.count(); ++b) {
    for (Index t = 0; t < segments.length(b); ++t) rows[segments.begin(b) + t] = b * time + t;
  }
  return gather(reshape(x, {segments.count() * time, x.cols()}),
                std::span<const Index>(rows, static_cast<std::size_t>(segments.tokens())));
}

/// x [tokens, features] -> [batch, time, features], padded with zeros. `time` 0 means the maximum length.
template <class Scalar>
Var<Scalar> pad_packed(Var<Scalar> x, const Segments& segments, Index time = 0) {
  if (time == 0) time = segments.max_length();
  if (x.shape().rank() != 2 || x.rows() != segments.tokens() || time < segments.max_length()) {
    fail<ShapeError>("pad_packed", "input ", x.shape(), " for ", segments.tokens(), " tokens in sequences of up to ",
                     segments.max_length(), ", padded to ", time);
  }
  Arena& scratch = x.tape().scratch();
  ArenaScope scope(scratch);
  const Index count = segments.count() * time;
  Index* rows = scratch.array<Index>(count);
  std::fill_n(rows, count, Index{-1});
  for (Index b = 0; b < segments.count(); ++b) {
    for (Index t = 0; t < segments.length(b); ++t) rows[b * time + t] = segments.begin(b) + t;
  }
  const Var<Scalar> all = gather(x, std::span<const Index>(rows, static_cast<std::size_t>(count)));
  return reshape(all, {segments.count(), time, x.cols()});
}

}  // namespace heed::inline HEED_ABI::nn
