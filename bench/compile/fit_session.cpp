// SPDX-License-Identifier: Apache-2.0
// Compile cost of a program that trains a recommender and serves it.
#include <heed/recsys/models/sasrec.hpp>
#include <heed/recsys/session.hpp>
#include <heed/recsys/task.hpp>

int main() {
  heed::data::InteractionsBuilder builder({.times = true});
  for (int user = 0; user < 8; ++user) {
    for (int day = 0; day < 6; ++day) builder.add(std::to_string(user), std::to_string((user + day) % 8), day);
  }
  const heed::data::Interactions log = std::move(builder).build();
  heed::recsys::SASRec<float> model({.num_items = log.num_items(), .embed_dim = 16}, {.num_blocks = 1});
  heed::nn::initialize(model, heed::Random(1));
  const heed::recsys::Task task(log, {.next_basket = false});
  heed::recsys::fit(model, task, {.max_epochs = 1});
  heed::recsys::Session<heed::recsys::SASRec<float>> session(model);
  session.push(3, 0);
  return session.top_k(3).empty();
}
