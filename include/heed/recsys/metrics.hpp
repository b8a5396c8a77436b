// SPDX-License-Identifier: Apache-2.0
// Ranking by score, and metrics of rankings.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/options.hpp"
#include "heed/data/vocabulary.hpp"
#include "heed/recsys/check_finite.hpp"
#include "heed/recsys/statistics.hpp"

namespace heed::inline HEED_ABI::recsys {

/// Returns the items with the `k` highest scores, best first; fewer if there are not enough.
///
/// The order is total: higher score first, then the smaller tie key (`tie_keys` [items], distinct), then the smaller
/// id. Items with score -infinity are never recommended. Throws ShapeError when the sizes differ, Error if a score is
/// NaN or infinity.
inline std::vector<data::Id> rank_top_k(std::span<const double> scores, Index k,
                                        std::span<const std::int32_t> tie_keys = {}) {
  if (!tie_keys.empty() && tie_keys.size() != scores.size()) {
    fail<ShapeError>("rank_top_k", "wanted ", scores.size(), " tie keys, got ", tie_keys.size());
  }
  check_finite("rank_top_k", NoModel(), scores);
  std::vector<data::Id> order;
  order.reserve(scores.size());
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (scores[i] > -std::numeric_limits<double>::infinity()) order.push_back(static_cast<data::Id>(i));
  }
  const auto before = [&](data::Id a, data::Id b) {
    const auto i = static_cast<std::size_t>(a), j = static_cast<std::size_t>(b);
    if (scores[i] != scores[j]) return scores[i] > scores[j];
    return tie_keys.empty() || tie_keys[i] == tie_keys[j] ? a < b : tie_keys[i] < tie_keys[j];
  };
  const Index kept = std::clamp<Index>(k, 0, static_cast<Index>(order.size()));
  std::partial_sort(order.begin(), order.begin() + kept, order.end(), before);
  return {order.begin(), order.begin() + kept};  // a copy, as `order` has the capacity of the whole catalogue
}

/// The metrics of one list, or their means over users.
struct RankingMetrics {
  double hit_rate = 0;   ///< 1 when a target is among the first k
  double recall = 0;     ///< targets found / distinct targets
  double precision = 0;  ///< targets found / k, also for shorter lists
  double ndcg = 0;       ///< sum of 1 / log2(place + 2) over the targets found / the same sum for the ideal list, which
                         ///< has targets at its first min(distinct targets, k) places
  double mrr = 0;        ///< 1 / (place + 1) of the first target among the first k, 0 without one
  double map = 0;        ///< sum over the targets found of (targets found up to there / (place + 1)) / min(distinct
                         ///< targets, k), as RecBole; trec_eval divides by the number of distinct targets
};

/// Returns the metrics at `k` of one list of distinct items, best first. `targets` is not empty, distinct and ascending
/// (see data::distinct). Throws OptionError on k < 1 or without targets.
inline RankingMetrics ranking_metrics(std::span<const data::Id> ranked, std::span<const data::Id> targets, Index k) {
  if (k < 1 || targets.empty()) {
    fail<OptionError>("ranking_metrics", "wanted k >= 1 and a target, got k = ", k, " and ", targets.size());
  }
  const auto gain = [](Index place) { return 1.0 / std::log2(static_cast<double>(place) + 2.0); };
  const auto relevant = static_cast<Index>(targets.size());
  RankingMetrics out;
  double found = 0, ideal = 0;
  for (Index place = 0; place < std::min(k, static_cast<Index>(ranked.size())); ++place) {
    if (!std::binary_search(targets.begin(), targets.end(), ranked[static_cast<std::size_t>(place)])) continue;
    if (found == 0) out.mrr = 1.0 / static_cast<double>(place + 1);
    found += 1;
    out.ndcg += gain(place);
    out.map += found / static_cast<double>(place + 1);
  }
  for (Index place = 0; place < std::min(k, relevant); ++place) ideal += gain(place);
  out.hit_rate = found > 0 ? 1 : 0;
  out.recall = found / static_cast<double>(relevant);
  out.precision = found / static_cast<double>(k);
  out.ndcg /= ideal;
  out.map /= static_cast<double>(std::min(k, relevant));
  return out;
}

/// The order of items with the target's score: after the target, before it (constant scores then find no target), or
/// the mean of the metrics over all orders.
enum class Ties { optimistic, conservative, expected };
constexpr auto names(Ties) { return enum_names("optimistic", "conservative", "expected"); }

/// Returns the metrics at `k` of a target with `score` among candidates with the scores `others` (without the target).
/// A target with score -infinity is not found; other candidates with this score rank last. Throws OptionError on k < 1,
/// Error if a score is NaN or infinity.
inline RankingMetrics candidate_metrics(double score, std::span<const double> others, Index k,
                                        Ties ties = Ties::conservative) {
  if (k < 1) fail<OptionError>("candidate_metrics", "wanted k >= 1, got ", k);
  check_finite("candidate_metrics", NoModel(), std::span<const double>(&score, 1));
  check_finite("candidate_metrics", NoModel(), others);
  RankingMetrics out;
  if (score == -std::numeric_limits<double>::infinity()) return out;
  const Index better = std::count_if(others.begin(), others.end(), [score](double other) { return other > score; });
  const Index equal = std::count(others.begin(), others.end(), score);
  const Index first = ties == Ties::conservative ? better + equal : better;
  const Index last = ties == Ties::optimistic ? better : better + equal;
  const double share = 1.0 / static_cast<double>(last - first + 1);
  for (Index place = first; place <= std::min(last, k - 1); ++place) {
    out.hit_rate += share;
    out.ndcg += share / std::log2(static_cast<double>(place) + 2.0);
    out.mrr += share / static_cast<double>(place + 1);
  }
  out.recall = out.hit_rate;
  out.precision = out.hit_rate / static_cast<double>(k);
  out.map = out.mrr;
  return out;
}

/// Returns the area under the ROC curve: the share of pairs (one positive, one negative) whose positive has the higher
/// score; pairs with equal scores count half. Throws OptionError when either is empty, Error if a score is NaN or
/// infinity.
inline double auc(std::span<const double> positives, std::span<const double> negatives) {
  if (positives.empty() || negatives.empty()) {
    fail<OptionError>("auc", "wanted positives and negatives, got ", positives.size(), " and ", negatives.size());
  }
  check_finite("auc", NoModel(), positives);
  check_finite("auc", NoModel(), negatives);
  std::vector<double> sorted(negatives.begin(), negatives.end());
  std::sort(sorted.begin(), sorted.end());
  double won = 0;
  for (const double positive : positives) {
    const auto [low, high] = std::equal_range(sorted.begin(), sorted.end(), positive);
    won += 0.5 * static_cast<double>((low - sorted.begin()) + (high - sorted.begin()));
  }
  return won / (static_cast<double>(positives.size()) * static_cast<double>(negatives.size()));
}

/// The metrics of many users, one entry per user in every column: the input of a paired bootstrap.
struct Metrics {
  std::vector<double> hit_rate, recall, precision, ndcg, mrr, map;

  Index size() const { return static_cast<Index>(ndcg.size()); }

  void add(const RankingMetrics& one) {
    hit_rate.push_back(one.hit_rate);
    recall.push_back(one.recall);
    precision.push_back(one.precision);
    ndcg.push_back(one.ndcg);
    mrr.push_back(one.mrr);
    map.push_back(one.map);
  }

  /// Returns the metrics of row `i`.
  RankingMetrics at(std::size_t i) const {
    return {.hit_rate = hit_rate[i],
            .recall = recall[i],
            .precision = precision[i],
            .ndcg = ndcg[i],
            .mrr = mrr[i],
            .map = map[i]};
  }

  /// Returns the means over the users; 0 without users.
  RankingMetrics mean() const {
    return {.hit_rate = recsys::mean(hit_rate),
            .recall = recsys::mean(recall),
            .precision = recsys::mean(precision),
            .ndcg = recsys::mean(ndcg),
            .mrr = recsys::mean(mrr),
            .map = recsys::mean(map)};
  }
};

}  // namespace heed::inline HEED_ABI::recsys
