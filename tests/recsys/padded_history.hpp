// SPDX-License-Identifier: Apache-2.0
// Pads a batch of histories, for comparison with ragged batches.
#pragma once

#include <algorithm>

#include "heed/data/batch.hpp"

namespace heed::test {

/// Returns the same queries and targets with every history padded to `length` by item 0 after its own events, which a
/// causal model does not see. Without kinds and times; no history may be empty.
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
