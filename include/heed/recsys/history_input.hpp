// SPDX-License-Identifier: Apache-2.0
// The inputs per event: the item and, if enabled, the kind of event, the item's feature and the age of its basket.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "heed/core/options.hpp"
#include "heed/data/catalogue.hpp"
#include "heed/nn/embedding.hpp"
#include "heed/nn/linear.hpp"
#include "heed/ops/add.hpp"
#include "heed/ops/concat.hpp"
#include "heed/recsys/encoder.hpp"

namespace heed::inline HEED_ABI::recsys {

/// How the vectors of an event are combined.
enum class Combination {
  add,    ///< their sum
  concat  ///< a linear layer over their concatenation
};
constexpr auto names(Combination) { return enum_names("add", "concat"); }

struct HistoryInputOptions {
  Index num_items = 0;
  Index embed_dim = 64;
  Index max_age = 0;       ///< number of basket age vectors, the last one for all older baskets; 0: ages are not used,
                           ///< as required when training on every position
  Index num_kinds = 0;     ///< number of kinds of event (bought, liked, viewed); 0: kinds are not used
  Index num_features = 0;  ///< number of values of the items' feature (category, say); 0: not used
  Combination combination = Combination::add;
  double deviation = 0.02;  ///< standard deviation of the initial vectors

  void fields(auto&& visitor) {
    visitor("num_items", num_items, "embed_dim", embed_dim, "max_age", max_age, "num_kinds", num_kinds, "num_features",
            num_features, "combination", combination, "deviation", deviation);
  }
};

/// Returns the input options of a model whose options have the same fields.
template <class ModelOptions>
HistoryInputOptions history_input_options(const ModelOptions& options) {
  return {.num_items = options.num_items,
          .embed_dim = options.embed_dim,
          .max_age = options.max_age,
          .num_kinds = options.num_kinds,
          .num_features = options.num_features,
          .combination = options.combination,
          .deviation = options.item_deviation};
}

/// Maps the events of a batch to vectors [tokens, embed_dim]. Tables that are not enabled are not allocated.
template <class Scalar>
class HistoryInput {
 public:
  using scalar_type = Scalar;

  /// `catalogue` has the feature of each item if the model uses it. Throws OptionError on options out of range,
  /// ShapeError or IndexError when the catalogue's feature does not match them.
  explicit HistoryInput(const HistoryInputOptions& options, const data::Catalogue& catalogue = {})
      : options_(options), items(table_of(options.num_items)) {
    if (options.max_age < 0 || options.num_kinds < 0 || options.num_features < 0) {
      fail<OptionError>("HistoryInput", "max_age ", options.max_age, ", num_kinds ", options.num_kinds,
                        ", num_features ", options.num_features);
    }
    if (options.num_features > 0) set_item_features(catalogue.features.values);
    Index parts = 1;
    const auto add_table = [&](std::optional<nn::Embedding<Scalar>>& table, Index size) {
      if (size == 0) return;
      table.emplace(table_of(size));
      ++parts;
    };
    add_table(ages, options.max_age);
    add_table(kinds, options.num_kinds);
    add_table(features, options.num_features);
    if (parts > 1 && options.combination == Combination::concat) {
      combine.emplace(nn::LinearOptions{.in_features = parts * options.embed_dim, .out_features = options.embed_dim});
    }
  }

  /// Returns the feature of each item, -1 for none; empty if the model does not use features.
  std::span<const data::Id> item_features() const { return item_features_; }

  /// Throws IndexError for an item or a kind outside its table, OptionError when a model with ages has queries at every
  /// position (an age is the number of later baskets, so an earlier query would see the future) or when the batch of a
  /// model with kinds has none.
  Var<Scalar> operator()(Tape<Scalar>& tape, const data::Batch& batch) const {
    if (ages && every_position(batch)) {
      fail<OptionError>("HistoryInput", "basket ages require one query per history, at its end: set max_age = 0");
    }
    if (kinds && batch.kinds.size() != batch.items.size()) {
      fail<OptionError>("HistoryInput", "the batch has no kinds of event");
    }
    return vectors(tape, batch.items, batch.ages, batch.kinds);
  }

  /// Returns the vectors of candidate items, which have no events: their age and kind vectors are zero.
  Var<Scalar> candidates(Tape<Scalar>& tape, std::span<const Index> of) const { return vectors(tape, of, {}, {}); }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("items", items);
    if (ages) visitor("ages", *ages);
    if (kinds) visitor("kinds", *kinds);
    if (features) visitor("features", *features);
    if (combine) visitor("combine", *combine);
  }

 private:
  Var<Scalar> vectors(Tape<Scalar>& tape, std::span<const Index> of, std::span<const Index> of_ages,
                      std::span<const Index> of_kinds) const {
    Var<Scalar> parts[4] = {items(tape, of)};
    std::size_t count = 1;
    ArenaScope scope(tape.scratch());
    const std::span<Index> ids(tape.scratch().template array<Index>(std::ssize(of)), of.size());
    const auto zeros = [&] {
      if (combine) parts[count++] = tape.constant_in_place(tape.zeros(parts[0].shape()));
    };
    if (ages && of_ages.empty()) {
      zeros();
    } else if (ages) {
      for (std::size_t i = 0; i < of.size(); ++i) ids[i] = std::min(of_ages[i], options_.max_age - 1);
      parts[count++] = (*ages)(tape, std::span<const Index>(ids));
    }
    if (kinds && of_kinds.empty()) {
      zeros();
    } else if (kinds) {
      parts[count++] = (*kinds)(tape, of_kinds);
    }
    if (features) {
      for (std::size_t i = 0; i < of.size(); ++i) ids[i] = item_features_[static_cast<std::size_t>(of[i])];
      parts[count++] = gather(tape.parameter(features->weight), std::span<const Index>(ids));  // -1: zeros
    }
    if (combine) return (*combine)(concat<Scalar>(std::span<const Var<Scalar>>(parts, count), 1));
    Var<Scalar> x = parts[0];
    for (std::size_t i = 1; i < count; ++i) x = add(x, parts[i]);
    return x;
  }

  nn::EmbeddingOptions table_of(Index size) const {
    return {.num_embeddings = size, .embedding_dim = options_.embed_dim, .standard_deviation = options_.deviation};
  }
  void set_item_features(const std::vector<data::Id>& values) {
    if (std::ssize(values) != options_.num_items) {
      fail<ShapeError>("HistoryInput", "num_features ", options_.num_features, ": the catalogue has the feature of ",
                       values.size(), " of ", options_.num_items, " items");
    }
    for (const data::Id value : values) {
      if (value < -1 || value >= options_.num_features) {
        fail<IndexError>("HistoryInput", "feature ", value, " of ", options_.num_features);
      }
    }
    item_features_ = values;
  }

  HistoryInputOptions options_;

 public:
  nn::Embedding<Scalar> items;
  std::optional<nn::Embedding<Scalar>> ages, kinds, features;
  std::optional<nn::Linear<Scalar>> combine;

 private:
  std::vector<data::Id> item_features_;
};

}  // namespace heed::inline HEED_ABI::recsys
