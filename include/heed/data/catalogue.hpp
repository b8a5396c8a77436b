// SPDX-License-Identifier: Apache-2.0
// What is known about the items of a log: their texts and names, one feature, and their counts.
#pragma once

#include <string_view>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/printable.hpp"
#include "heed/data/vocabulary.hpp"

namespace heed::inline HEED_ABI::data {

/// One categorical feature of the items: a category, a brand, an artist.
struct ItemFeatures {
  std::vector<Id> values{};  ///< [items] ids in `names`, Vocabulary::unknown for an item without a value; or empty
  Vocabulary names{};        ///< the feature's values
};

/// The items and kinds of event of a log or a model. Unknown parts are empty.
struct Catalogue {
  Vocabulary items{};           ///< texts and names
  Vocabulary kinds{};           ///< kinds of event (bought, liked, viewed)
  ItemFeatures features{};      ///< empty until read_item_features
  std::vector<Index> counts{};  ///< [items] occurrences in the training events: see recsys::Task::catalogue

  Index num_items() const { return items.size(); }

  /// Returns the id of an item by its text. Throws IndexError for an unknown text.
  Id item(std::string_view text) const {
    const Id id = items.find(text);
    if (id == Vocabulary::unknown)
      fail<IndexError>("catalogue", "no item \"", printable(text), "\" among ", num_items(), " items");
    return id;
  }
};

}  // namespace heed::inline HEED_ABI::data
