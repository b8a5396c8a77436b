// SPDX-License-Identifier: Apache-2.0
// The padded adaptor of a batch of histories: what is computed where there are no segments.
#pragma once

#include <algorithm>

#include "heed/data/batch.hpp"

namespace heed::test {

/// The same queries of the same targets, every history filled up to `length` with item 0 behind its own events, which a
/// causal model does not see from there. No kinds, no times, and no history is empty.
inline data::Batch padded(const data::Batch& batch, Index length) {
  data::Batch out;
  const Segments& own = batch.segments;
  out.segments = Segments::uniform(own.count(), length);
  out.items.resize(static_cast<std::size_t>(out.segments.tokens()));
  out.ages.resize(out.items.size());
  out.query_segments = batch.query_segments;
  out.target_segments = batch.target_segments;
  out.targets = batch.targets;
  for (Index b = 0; b < own.count(); ++b) {
    std::copy(batch.items.begin() + own.begin(b), batch.items.begin() + own.end(b),
              out.items.begin() + out.segments.begin(b));
    for (Index q = batch.query_segments.begin(b); q < batch.query_segments.end(b); ++q) {
      const Index place = batch.query_rows[static_cast<std::size_t>(q)] - own.begin(b);
      out.query_rows.push_back(out.segments.begin(b) + place);
    }
  }
  return out;
}

}  // namespace heed::test
