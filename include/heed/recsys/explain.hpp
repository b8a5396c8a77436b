// SPDX-License-Identifier: Apache-2.0
// Why these items: what the model's attention weighed in one history, and where each score came from.
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
  Index max_length = 300;    ///< events of the history that the model sees, if it can see so many
  bool keep_history = true;  ///< items of the history may be recommended again

  void fields(auto&& visitor) { visitor("k", k, "max_length", max_length, "keep_history", keep_history); }
};

struct ExplainedItem {
  data::Id item = 0;
  double score = 0;   ///< p(item)
  double repeat = 0;  ///< the part of it that the repeat-aware head gave, for occurrences in the history
};

struct Explanation {
  std::vector<ExplainedItem> top;
  Index begin = 0;              ///< the history's first event that the model saw
  std::vector<double> weights;  ///< [events seen] of the repeat-aware head or, without it, of the attention (the mean
                                ///< over its heads); empty for a model without either
};

/// The weights of one history item, all its occurrences together.
struct WeighedItem {
  data::Id item = 0;
  double weight = 0;
  Index count = 0;
};

/// The k best items after `past`, and the weights behind them. Clears `tape`, which must not be training.
template <Encoder E>
Explanation explain(const NextItem<E>& model, Tape<typename E::scalar_type>& tape, const data::History& past,
                    const ExplainOptions& options = {}) {
  using Scalar = typename E::scalar_type;
  data::Batch batch;
  const Index length = seen_length(model, options.max_length);
  batch.assign_history(past, length);
  if (tape.training()) fail<OptionError>("explain", "the tape is training: dropout would act");
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
  top_items(std::span<const Scalar>(scores.data(), static_cast<std::size_t>(scores.size())), options.k,
            std::span(left_out), best);
  for (const auto& [item, score] : best) {
    out.top.push_back({item, static_cast<double>(score), repeat[static_cast<std::size_t>(item)]});
  }
  return out;
}

/// The history's distinct items, the most weighed first.
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
