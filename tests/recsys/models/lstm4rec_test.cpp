// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/lstm4rec.hpp"

#include "recsys/next_item_checks.hpp"

using namespace heed;
using recsys::LSTM4Rec;

TEST_CASE("LSTM4Rec: names and counts") {
  LSTM4Rec<float> model({.num_items = 9, .embed_dim = 4}, {.hidden_size = 6});
  CHECK(test::names(model) == std::vector<std::string>{"items.weight", "encoder.rnn.weight_ih_l0",
                                                       "encoder.rnn.weight_hh_l0", "encoder.rnn.bias_ih_l0",
                                                       "encoder.rnn.bias_hh_l0", "encoder.user.weight"});
  CHECK(nn::parameter_count(model) == 9 * 4 + 4 * 6 * (4 + 6 + 2) + 6 * 4);
  LSTM4Rec<float> tied({.num_items = 9, .embed_dim = 6}, {.hidden_size = 6, .num_layers = 2});
  CHECK(nn::parameter_count(tied) == 9 * 6 + 2 * 4 * 6 * (6 + 6 + 2));
}

TEST_CASE("LSTM4Rec learns what follows what") {
  test::check_learns<LSTM4Rec>({.hidden_size = 16, .dropout = 0});
  test::check_learns<LSTM4Rec>({.hidden_size = 12, .dropout = 0});
}
