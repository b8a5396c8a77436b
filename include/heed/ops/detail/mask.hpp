// SPDX-License-Identifier: Apache-2.0
// Checks a Mask against the sequences and converts it to the layout of the kernels.
#pragma once

#include <limits>

#include "heed/autograd/tape.hpp"
#include "heed/core/mask.hpp"

namespace heed::inline HEED_ABI::detail {

/// `max_queries` and `max_keys` are the maximum lengths of the `count` sequences. Throws ShapeError naming `operation`.
template <class Scalar>
MaskView<Scalar> resolve(std::string_view operation, Tape<Scalar>& tape, const Mask& mask, Index count,
                         Index max_queries, Index max_keys) {
  MaskView<Scalar> out;
  out.causal = mask.is_causal();
  if (const auto* lengths = mask.key_lengths()) {
    if (static_cast<Index>(lengths->size()) != count) {
      fail<ShapeError>(operation, "mask has ", lengths->size(), " lengths for ", count, " sequences");
    }
    out.lengths = tape.keep(std::span<const Index>(*lengths));
  }
  if (mask.terms().empty()) return out;
  bool by_segment = false, has_additive = false;
  for (const auto& term : mask.terms()) {
    const Shape& shape = term->shape;
    const bool three = shape.rank() == 3;
    if (shape[-2] < max_queries || shape[-1] < max_keys || (three && shape[0] != count)) {
      fail<ShapeError>(operation, "mask ", shape, " does not cover ", count, " sequences of up to ", max_queries,
                       " queries and ", max_keys, " keys");
    }
    by_segment = by_segment || three;
    has_additive = has_additive || term->kind == Mask::Kind::additive;
  }
  constexpr Scalar hidden = -std::numeric_limits<Scalar>::infinity();
  const Index planes = by_segment ? count : 1, plane = max_queries * max_keys;
  out.row_stride = max_keys;
  out.segment_stride = by_segment ? plane : 0;
  auto* visible = tape.template allocate_array<std::uint8_t>(planes * plane);
  auto* additive = has_additive ? tape.template allocate_array<Scalar>(planes * plane) : nullptr;
  std::fill_n(visible, planes * plane, std::uint8_t{1});
  if (has_additive) std::fill_n(additive, planes * plane, Scalar(0));
  for (const auto& term : mask.terms()) {
    const Shape& shape = term->shape;
    for (Index b = 0; b < planes; ++b) {
      for (Index i = 0; i < max_queries; ++i) {
        for (Index j = 0; j < max_keys; ++j) {
          const Index from = ((shape.rank() == 3 ? b : 0) * shape[-2] + i) * shape[-1] + j;
          const double value = term->values[static_cast<std::size_t>(from)];
          const Index to = b * plane + i * max_keys + j;
          if (term->kind == Mask::Kind::additive) {
            // A pair hidden by one term stays hidden, whatever the other terms add.
            if (additive[to] != hidden)
              additive[to] = value == hidden ? hidden : additive[to] + static_cast<Scalar>(value);
          } else if ((value != 0) != (term->kind == Mask::Kind::visible)) {
            visible[to] = 0;
          }
        }
      }
    }
  }
  out.visible = visible;
  out.additive = additive;
  return out;
}

/// Returns the offset of each sequence's weights, `heads` matrices [queries, keys], in a packed array of all sequences.
template <class Scalar>
const Index* weight_offsets(Tape<Scalar>& tape, SegmentsView queries, SegmentsView keys, Index heads) {
  Index* offsets = tape.template allocate_array<Index>(queries.count + 1);
  offsets[0] = 0;
  for (Index b = 0; b < queries.count; ++b) offsets[b + 1] = offsets[b] + heads * queries.length(b) * keys.length(b);
  return offsets;
}

}  // namespace heed::inline HEED_ABI::detail
