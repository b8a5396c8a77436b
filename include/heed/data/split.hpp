// SPDX-License-Identifier: Apache-2.0
// Which events of a user train, which validate and which test: three cuts a user, never a copy.
#pragma once

#include <span>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/data/interactions.hpp"

namespace heed::inline HEED_ABI::data {

/// Cuts in each user's own events, in time order: [0, train_end) trains, [train_end, validation_end) validates,
/// [validation_end, test_end) tests. The part before a target is its history, so the test sees the validation events.
struct Split {
  std::vector<Index> train_end;       ///< [users]
  std::vector<Index> validation_end;  ///< [users]
  std::vector<Index> test_end;        ///< [users]

  Index num_users() const { return static_cast<Index>(test_end.size()); }
  bool tested(Index u) const {
    return test_end[static_cast<std::size_t>(u)] > validation_end[static_cast<std::size_t>(u)];
  }
  bool validated(Index u) const {
    return validation_end[static_cast<std::size_t>(u)] > train_end[static_cast<std::size_t>(u)];
  }
};

/// The last event of a user tests, the second last validates. Users of fewer than three events only train (SASRec,
/// Kang and McAuley 2018).
inline Split leave_one_out(const Interactions& log) {
  Split split;
  for (Index u = 0; u < log.num_users(); ++u) {
    const Index n = log.length(u);
    const Index held_out = n < 3 ? 0 : 1;
    split.train_end.push_back(n - 2 * held_out);
    split.validation_end.push_back(n - held_out);
    split.test_end.push_back(n);
  }
  return split;
}

/// The last basket of a user of two baskets or more tests; the one before it validates where there are three or more.
/// Users of one basket only train. The order of the items inside a basket means nothing.
inline Split last_basket(const Interactions& log) {
  Split split;
  for (Index u = 0; u < log.num_users(); ++u) {
    const auto times = log.user_times(u);
    const Index n = log.length(u);
    const Index last = n == 0 ? 0 : basket_begin(times, n);          // 0: a single basket
    const Index before = last == 0 ? 0 : basket_begin(times, last);  // 0: it is the first
    split.train_end.push_back(last == 0 ? n : before == 0 ? last : before);
    split.validation_end.push_back(last == 0 ? n : last);
    split.test_end.push_back(n);
  }
  return split;
}

}  // namespace heed::inline HEED_ABI::data
