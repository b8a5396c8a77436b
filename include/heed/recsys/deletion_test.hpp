// SPDX-License-Identifier: Apache-2.0
// Deletion test of explanations: the effect of deleting the item with the largest attention weight from a history.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "heed/recsys/bootstrap.hpp"
#include "heed/recsys/explain.hpp"

namespace heed::inline HEED_ABI::recsys {

/// The change of a history is the sum of |p' - p| over the recommended items, where p' is an item's probability after
/// all events of one history item are deleted.
struct DeletionTest {
  Index histories = 0;          ///< number of histories with weights on at least two items; others are skipped
  double most_weighed = 0;      ///< mean change when the item with the largest weight is deleted
  double other = 0;             ///< mean change when another item, sampled uniformly, is deleted
  MeanDifference difference{};  ///< most_weighed - other, paired
};

namespace detail {

/// Returns the change of the items in `why.top` without `left_out` in the part of `past` that the model saw.
template <Encoder E>
double movement(const NextItem<E>& model, Tape<typename E::scalar_type>& tape, const data::History& past,
                data::Id left_out, const Explanation& why, const ExplainOptions& options) {
  const data::Events others = past.slice(why.begin, past.size()).without(left_out);
  data::Batch batch;
  batch.assign_history(others.history(), seen_length(model, options.max_length));
  tape.clear();
  const auto scores = tape.allocate({1, model.num_items()});
  model.score(tape, batch, scores);
  check_finite("deletion_test", model,
               std::span<const typename E::scalar_type>(scores.data(), static_cast<std::size_t>(scores.size())));
  double moved = 0;
  for (const ExplainedItem& one : why.top) moved += std::abs(static_cast<double>(scores[one.item]) - one.score);
  return moved;
}

}  // namespace detail

/// Compares, over `pasts`, the effect of deleting the item with the largest weight with that of deleting another item.
/// Reproducible for the same `random`. Clears `tape`, which must not be in training mode. Throws as explain.
template <Encoder E>
DeletionTest deletion_test(const NextItem<E>& model, Tape<typename E::scalar_type>& tape,
                           std::span<const data::History> pasts, Random random, const ExplainOptions& options = {},
                           const BootstrapOptions& bootstrap = {}) {
  std::vector<double> top, other;
  const Random draws = random.fork("items");
  for (std::size_t i = 0; i < pasts.size(); ++i) {
    const Explanation why = explain(model, tape, pasts[i], options);
    const std::vector<WeighedItem> weighed = weighed_items(pasts[i], why);
    if (weighed.size() < 2) continue;
    const auto drawn = static_cast<std::size_t>(1 + draws.below(i, std::ssize(weighed) - 1));
    top.push_back(detail::movement(model, tape, pasts[i], weighed[0].item, why, options));
    other.push_back(detail::movement(model, tape, pasts[i], weighed[drawn].item, why, options));
  }
  DeletionTest out{.histories = std::ssize(top)};
  if (top.empty()) return out;
  for (std::size_t i = 0; i < top.size(); ++i) {
    out.most_weighed += top[i] / static_cast<double>(top.size());
    out.other += other[i] / static_cast<double>(top.size());
  }
  out.difference = paired_bootstrap(top, other, random.fork("bootstrap"), bootstrap);
  return out;
}

}  // namespace heed::inline HEED_ABI::recsys
