// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/gru4rec.hpp"

#include "recsys/next_item_checks.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

namespace {

/// `gates`: number of gates of the recurrent layer.
template <template <class> class Model>
void check_names_and_counts(Index gates) {
  Model<float> model({.num_items = 9, .embed_dim = 4}, {.hidden_size = 6});
  CHECK(test::names(model) == std::vector<std::string>{"items.weight", "encoder.rnn.weight_ih_l0",
                                                       "encoder.rnn.weight_hh_l0", "encoder.rnn.bias_ih_l0",
                                                       "encoder.rnn.bias_hh_l0", "encoder.user.weight"});
  CHECK(nn::parameter_count(model) == 9 * 4 + gates * 6 * (4 + 6 + 2) + 6 * 4);
  const Model<float> tied({.num_items = 9, .embed_dim = 6}, {.hidden_size = 6, .num_layers = 2});
  CHECK(nn::parameter_count(tied) == 9 * 6 + 2 * gates * 6 * (6 + 6 + 2));
}

}  // namespace

TEST_CASE("GRU4Rec and LSTM4Rec: parameter names and sizes") {
  check_names_and_counts<recsys::GRU4Rec>(3);
  check_names_and_counts<recsys::LSTM4Rec>(4);
}

TEST_CASE("GRU4Rec and LSTM4Rec learn the next item on a circle") {
  for (const Index hidden_size : {16, 12}) {
    test::check_learns<recsys::GRU4Rec>({.hidden_size = hidden_size, .dropout = 0});
    test::check_learns<recsys::LSTM4Rec>({.hidden_size = hidden_size, .dropout = 0});
  }
}

}  // namespace HEED_TEST_UNIT
