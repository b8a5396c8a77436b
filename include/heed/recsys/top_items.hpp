// SPDX-License-Identifier: Apache-2.0
// The best items of a row of scores.
#pragma once

#include <algorithm>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "heed/data/history.hpp"
#include "heed/kernels/top_k.hpp"
#include "heed/recsys/check_finite.hpp"

namespace heed::inline HEED_ABI::recsys {

/// An item and its score.
template <class Scalar>
using ScoredItem = kernels::Ranked<Scalar, data::Id>;

/// Writes the k best items of `scores` [items], computed by `model`, to `out`, best first: by greater score, then by
/// smaller id; fewer if there are not enough. Items of `left_out`, ascending, and those with score -infinity are
/// excluded. Throws Error, naming `operation`, if a score is NaN or infinity (see check_finite).
template <class Model, class Scalar>
void top_items(std::string_view operation, const Model& model, std::span<const Scalar> scores, Index k,
               std::span<const data::Id> left_out, std::vector<ScoredItem<Scalar>>& out) {
  check_finite(operation, model, scores);
  out.resize(static_cast<std::size_t>(std::clamp<Index>(k, 0, std::ssize(scores))));
  const Index found = kernels::top_k<Scalar>(scores.data(), std::ssize(scores), std::ssize(out), left_out.data(),
                                             std::ssize(left_out), out.data());
  out.resize(static_cast<std::size_t>(found));
  while (!out.empty() && out.back().score == -std::numeric_limits<Scalar>::infinity()) out.pop_back();
}

}  // namespace heed::inline HEED_ABI::recsys
