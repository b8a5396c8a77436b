// SPDX-License-Identifier: Apache-2.0
// Explains recommendations by the attention weights over a history and the parts of each score.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "heed/recsys/next_item.hpp"
#include "heed/recsys/recommender.hpp"
#include "heed/recsys/top_items.hpp"

namespace heed::inline HEED_ABI::recsys {

struct ExplainOptions {
  Index k = 10;
  Index max_length = 300;    ///< maximum number of events that the model sees; limited by its own maximum
  bool keep_history = true;  ///< items of the history may be recommended again

  void fields(auto&& visitor) { visitor("k", k, "max_length", max_length, "keep_history", keep_history); }
};

struct ExplainedItem {
  data::Id item = 0;
  double score = 0;   ///< p(item)
  double repeat = 0;  ///< the part of `score` from the repeat-aware head, for occurrences in the history
};

struct Explanation {
  std::vector<ExplainedItem> top;
  Index begin = 0;              ///< the first event of the history that the model saw
  std::vector<double> weights;  ///< [events seen] of the repeat-aware head, otherwise of the attention, averaged over
                                ///< its heads; empty for a model without either
};

/// The total weight of all occurrences of an item in a history.
struct WeighedItem {
  data::Id item = 0;
  double weight = 0;
  Index count = 0;
};

/// Returns the k best items after `past` with their weights. Clears `tape`, which must not be in training mode. Throws
/// Error if a score is not finite, naming the weight that is not.
template <Encoder E>
Explanation explain(const NextItem<E>& model, Tape<typename E::scalar_type>& tape, const data::History& past,
                    const ExplainOptions& options = {}) {
  using Scalar = typename E::scalar_type;
  data::Batch batch;
  const Index length = seen_length(model, options.max_length);
  batch.assign_history(past, length);
  if (tape.training()) fail<OptionError>("explain", "the tape is in training mode: dropout would be applied");
  tape.clear();
  const auto prediction = model.predict(tape, batch, true);
  const Var<Scalar> weights = prediction.pointer ? prediction.pointer : prediction.attention;
  Explanation out;
  out.begin = data::history_begin(past.size(), length);
  if (weights) {
    const auto values = weights.value();
    for (Index i = 0; i < values.size(); ++i) out.weights.push_back(static_cast<double>(values[i]));
  }
  std::vector<double> repeat(static_cast<std::size_t>(model.num_items()));
  if (prediction.pointer) {
    const double gate = static_cast<double>(prediction.gate.value()[0]);
    for (std::size_t j = 0; j < out.weights.size(); ++j) {
      repeat[static_cast<std::size_t>(batch.items[j])] += gate * out.weights[j];
    }
  }
  const TensorView<Scalar> scores = tape.allocate({1, model.num_items()});
  model.score(prediction, batch, scores);
  const auto left_out = options.keep_history ? std::vector<data::Id>{} : data::distinct(past.items);
  std::vector<ScoredItem<Scalar>> best;
  top_items("explain", model, std::span<const Scalar>(scores.data(), static_cast<std::size_t>(scores.size())),
            options.k, std::span(left_out), best);
  for (const auto& [item, score] : best) {
    out.top.push_back({item, static_cast<double>(score), repeat[static_cast<std::size_t>(item)]});
  }
  return out;
}

/// Returns the distinct items of the history, by descending weight.
inline std::vector<WeighedItem> weighed_items(const data::History& past, const Explanation& explanation) {
  std::vector<WeighedItem> out;
  if (explanation.weights.empty()) return out;
  const auto seen = past.items.subspan(static_cast<std::size_t>(explanation.begin));
  for (const data::Id item : data::distinct(seen)) out.push_back({.item = item});
  for (std::size_t j = 0; j < seen.size(); ++j) {
    auto& one = *std::lower_bound(out.begin(), out.end(), seen[j],
                                  [](const WeighedItem& a, data::Id item) { return a.item < item; });
    one.weight += explanation.weights[j];
    ++one.count;
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const WeighedItem& a, const WeighedItem& b) { return a.weight > b.weight; });
  return out;
}

}  // namespace heed::inline HEED_ABI::recsys
