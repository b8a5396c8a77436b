// SPDX-License-Identifier: Apache-2.0
// Ranking by score, and how good a ranking is.
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
#include "heed/recsys/statistics.hpp"

namespace heed::inline HEED_ABI::recsys {

/// The items of the `k` highest scores, best first; fewer where fewer can be recommended.
///
/// A total order: higher score first, then the smaller tie key (`tie_keys` [items], distinct), then the smaller id.
/// Items whose score is -infinity or NaN are never recommended. Throws ShapeError when the sizes differ.
inline std::vector<data::Id> rank_top_k(std::span<const double> scores, Index k,
                                        std::span<const std::int32_t> tie_keys = {}) {
  if (!tie_keys.empty() && tie_keys.size() != scores.size()) {
    fail<ShapeError>("rank_top_k", "wanted ", scores.size(), " tie keys, got ", tie_keys.size());
  }
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
  return {order.begin(), order.begin() + kept};  // a copy: `order` has room for the whole catalogue
}

/// The metrics of one list, or their means over users.
struct RankingMetrics {
  double hit_rate = 0;   ///< 1 when a target is among the first k
  double recall = 0;     ///< targets found / distinct targets
  double precision = 0;  ///< targets found / k, also where the list is shorter
  double ndcg = 0;       ///< sum of 1 / log2(place + 2) over the targets found / the same sum of the ideal list, whose
                         ///< first min(distinct targets, k) places all hit
  double mrr = 0;        ///< 1 / (place + 1) of the first target among the first k, 0 without one
  double map = 0;        ///< sum over the targets found of (targets found up to there / (place + 1)) / min(distinct
                         ///< targets, k): RecBole's; trec_eval divides by the distinct targets whatever k is
};

/// The metrics at `k` of one list of distinct items, best first, for `targets`: not empty, distinct and ascending (see
/// data::distinct). Throws OptionError on k < 1 or no target.
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

/// Where items of equal score stand, seen from a target: all behind it, all before it (constant scores then find
/// nothing), or in every order: the mean of the metrics over them.
enum class Ties { optimistic, conservative, expected };
constexpr auto names(Ties) { return enum_names("optimistic", "conservative", "expected"); }

/// The metrics at `k` of a single target with `score` among candidates with the scores `others` (itself not among
/// them). A score of -infinity or NaN is never recommended: as the target's it finds nothing, as another's it stands
/// behind. Throws OptionError on k < 1.
inline RankingMetrics candidate_metrics(double score, std::span<const double> others, Index k,
                                        Ties ties = Ties::conservative) {
  if (k < 1) fail<OptionError>("candidate_metrics", "wanted k >= 1, got ", k);
  RankingMetrics out;
  if (!(score > -std::numeric_limits<double>::infinity())) return out;
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

/// The area under the ROC curve: the share of pairs (one positive, one negative) whose positive has the higher score,
/// equal scores counted as half a pair. NaN counts as -infinity. Throws OptionError when either has no score.
inline double auc(std::span<const double> positives, std::span<const double> negatives) {
  if (positives.empty() || negatives.empty()) {
    fail<OptionError>("auc", "wanted positives and negatives, got ", positives.size(), " and ", negatives.size());
  }
  const auto number = [](double score) { return std::isnan(score) ? -std::numeric_limits<double>::infinity() : score; };
  std::vector<double> sorted(negatives.size());
  std::transform(negatives.begin(), negatives.end(), sorted.begin(), number);
  std::sort(sorted.begin(), sorted.end());
  double won = 0;
  for (const double positive : positives) {
    const auto [low, high] = std::equal_range(sorted.begin(), sorted.end(), number(positive));
    won += 0.5 * static_cast<double>((low - sorted.begin()) + (high - sorted.begin()));
  }
  return won / (static_cast<double>(positives.size()) * static_cast<double>(negatives.size()));
}

/// The metrics of many users, one entry a user in every column: the form that a paired bootstrap takes.
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

  /// The metrics of row `i`.
  RankingMetrics at(std::size_t i) const {
    return {.hit_rate = hit_rate[i],
            .recall = recall[i],
            .precision = precision[i],
            .ndcg = ndcg[i],
            .mrr = mrr[i],
            .map = map[i]};
  }

  /// Means over the users; all 0 without users.
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
