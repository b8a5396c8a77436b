// SPDX-License-Identifier: Apache-2.0
// Clears rows that a mask hides from every query, before a layer projects them.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "heed/kernels/copy.hpp"
#include "heed/ops/detail/mask.hpp"

namespace heed::inline HEED_ABI::detail {

/// Returns whether any query of segment b may attend to its key j.
template <class Scalar>
bool seen_by_any(const MaskView<Scalar>& mask, Index b, Index j, Index queries, Index keys) {
  for (Index i = 0; i < queries; ++i) {
    if (j < mask.key_end(b, i, queries, keys) && mask.shows(mask.at(b, i, j))) return true;
  }
  return false;
}

/// Returns x [key tokens, features] with zeros and zero gradients in place of each row that no query may attend to and
/// that holds NaN or infinity: in the backward pass of a projection, 0 * NaN would reach the gradients of its weights.
/// Finite rows are kept, since a token of self-attention is a query too. Returns x itself if there is no row to clear.
/// The attention that follows (`operation`) reports shapes that do not match.
template <class Scalar>
[[gnu::noinline]] Var<Scalar> clear_hidden_rows(std::string_view operation, Var<Scalar> x, const Mask& mask,
                                                SegmentsView queries, SegmentsView keys) {
  if (x.shape().rank() != 2 || x.rows() != keys.tokens() || queries.count != keys.count) return x;
  const bool may_hide = mask.key_lengths() != nullptr || !mask.terms().empty();
  Tape<Scalar>& tape = x.tape();
  TensorView<const Scalar> in;
  MaskView<Scalar> resolved;
  bool* cleared = nullptr;  // [key tokens], from the first non-finite row on
  bool any = false;
  for (Index b = 0; b < keys.count; ++b) {
    if (!may_hide && queries.length(b) > 0) continue;  // the last query sees every key
    for (Index r = keys.begin(b); r < keys.end(b); ++r) {
      if (!in) in = x.value();
      bool finite = true;
      for (Index c = 0; c < in.cols(); ++c) finite &= std::abs(in(r, c)) <= std::numeric_limits<Scalar>::max();
      if (finite) continue;
      if (cleared == nullptr) {
        resolved = resolve(operation, tape, mask, keys.count, queries.max_length, keys.max_length);
        cleared = tape.template allocate_array<bool>(keys.tokens());
        std::fill_n(cleared, keys.tokens(), false);
      }
      cleared[r] = !seen_by_any(resolved, b, r - keys.begin(b), queries.length(b), keys.length(b));
      any |= cleared[r];
    }
  }
  if (!any) return x;
  const auto y = tape.allocate(x.shape());
  for (Index r = 0; r < y.rows(); ++r) {
    for (Index c = 0; c < y.cols(); ++c) y(r, c) = cleared[r] ? Scalar(0) : in(r, c);
  }
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto dx = g(x);
    for (Index r = 0; r < dx.rows(); ++r) {
      if (!cleared[r]) kernels::add_rows<Scalar>(g.output().rows(r, r + 1), dx.rows(r, r + 1));
    }
  });
}

}  // namespace heed::inline HEED_ABI::detail
