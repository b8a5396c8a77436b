// SPDX-License-Identifier: Apache-2.0
// The best items of a row of scores.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "heed/data/history.hpp"
#include "heed/kernels/top_k.hpp"

namespace heed::inline HEED_ABI::recsys {

/// An item and its score.
template <class Scalar>
using ScoredItem = kernels::Ranked<Scalar, data::Id>;

/// Writes the k best items of `scores` [items] to `out`, best first: by greater score, then by smaller id; fewer if
/// there are not enough. Items of `left_out`, ascending, are excluded.
template <class Scalar>
void top_items(std::span<const Scalar> scores, Index k, std::span<const data::Id> left_out,
               std::vector<ScoredItem<Scalar>>& out) {
  out.resize(static_cast<std::size_t>(std::clamp<Index>(k, 0, std::ssize(scores))));
  const Index found = kernels::top_k<Scalar>(scores.data(), std::ssize(scores), std::ssize(out), left_out.data(),
                                             std::ssize(left_out), out.data());
  out.resize(static_cast<std::size_t>(found));
}

}  // namespace heed::inline HEED_ABI::recsys
