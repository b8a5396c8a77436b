// SPDX-License-Identifier: Apache-2.0
// Tiny synthetic logs with a rule to learn, and the batches of their examples.
#pragma once

#include <string>
#include <vector>

#include "heed/data/batch.hpp"

namespace heed::test {

/// Users who take items around a circle: item i is always followed by i + 1. One event per time.
inline data::Interactions circle_log(Index users, Index items, Index length) {
  data::InteractionsBuilder builder({.times = true});
  for (Index i = 0; i < items; ++i) builder.add("nobody", std::to_string(i), 0);
  const Random random(7);
  for (data::Id u = 0; u < users; ++u) {
    const Index start = random.below(static_cast<std::uint64_t>(u), items);
    for (Index t = 0; t < length; ++t) {
      builder.add("user" + std::to_string(u), std::to_string((start + t) % items), t + 1);
    }
  }
  return std::move(builder).build();
}

/// Users with baskets of two items: one of their own in every basket, and one that does not repeat.
inline data::Interactions repeat_log(Index users, Index items, Index baskets) {
  data::InteractionsBuilder builder({.times = true});
  for (Index i = 0; i < items; ++i) builder.add("nobody", std::to_string(i), 0);
  for (data::Id u = 0; u < users; ++u) {
    const Random random = Random(8).fork(static_cast<std::uint64_t>(u));
    const Index own = random.below(1000, items / 2);
    for (Index t = 0; t < baskets; ++t) {
      const Index other = items / 2 + random.below(static_cast<std::uint64_t>(t), items / 2);
      builder.add("user" + std::to_string(u), std::to_string(other), t + 1);
      builder.add("user" + std::to_string(u), std::to_string(own), t + 1);
    }
  }
  return std::move(builder).build();
}

/// Every event trains, except those of "nobody", which only fixes the item ids.
inline data::Split all_train(const data::Interactions& log) {
  data::Split split;
  for (data::Id u = 0; u < log.num_users(); ++u) split.train_end.push_back(log.length(u));
  split.train_end[0] = 0;
  split.validation_end = split.test_end = split.train_end;
  return split;
}

/// Returns all examples, for the next basket or for every position.
inline std::vector<data::Example> examples_of_all(const data::Interactions& log, bool next_basket,
                                                  Index max_length = 50) {
  return next_basket ? data::next_basket_examples(log, all_train(log), max_length)
                     : data::every_position_examples(log, all_train(log), max_length);
}

/// Returns a batch of all examples.
inline data::Batch batch_of_all(const data::Interactions& log, bool next_basket, Index max_length = 50) {
  const auto examples = examples_of_all(log, next_basket, max_length);
  data::Batch batch;
  if (next_basket) {
    batch.assign_next_basket(log, examples, Random(3));
  } else {
    batch.assign_every_position(log, examples);
  }
  return batch;
}

}  // namespace heed::test
