// SPDX-License-Identifier: Apache-2.0
// Why these items: the recommendations after a history, and the attention weights of its events.
//
//     explain MODEL ITEM..
//
// MODEL is a file that the program train has written; the items are a history, oldest first.
#include <cstdio>
#include <exception>
#include <heed/core/printable.hpp>
#include <heed/io/recommender.hpp>
#include <heed/recsys/explain.hpp>
#include <span>
#include <string>
#include <vector>

namespace {

void explain(const std::string& path, std::span<char*> texts) {
  const auto [model, catalogue, task, checksum, time_unit] = heed::io::load_recommender<float>(path);
  const auto name = [&items = catalogue.items](heed::data::Id item) { return heed::printable(items.name(item)); };

  // A History is a view: of a user of a log (log.user(u)), or of ids of your own, as here.
  std::vector<heed::data::Id> items;
  for (const char* text : texts) items.push_back(catalogue.item(text));  // throws for an unknown item
  const heed::data::History past{.items = items};

  // A tape that does not record computes values only: no gradients, and no dropout.
  heed::Tape tape({.record = false});
  const heed::recsys::ExplainOptions options{
      .k = 5, .max_length = task.max_length, .keep_history = task.keeps_history()};
  const heed::recsys::Explanation why = heed::recsys::explain(model, tape, past, options);

  std::printf("recommended:\n");
  for (const auto& [item, score, repeat] : why.top) std::printf("  %.3f  %s\n", score, name(item).c_str());

  // Per event that the model saw: the weight that its last state gives to the event, averaged over the heads. For
  // SASRec these are the weights of the last block, which sum to 1.
  std::printf("attention weights, oldest event first:\n");
  for (std::size_t i = 0; i < why.weights.size(); ++i) {
    std::printf("  %.3f  %s\n", why.weights[i], name(items[static_cast<std::size_t>(why.begin) + i]).c_str());
  }

  // A large weight does not show by itself that an item is the reason for a recommendation; deleting the item does.
  // heed::recsys::deletion_test measures the effect over many users.
  const auto weighed = heed::recsys::weighed_items(past, why);  // summed per item, largest first
  if (weighed.size() < 2) return;
  const heed::data::Id heaviest = weighed.front().item;
  const heed::data::Events rest = past.without(heaviest);
  std::printf("recommended without %s:\n", name(heaviest).c_str());
  for (const auto& [item, score, repeat] : heed::recsys::explain(model, tape, rest.history(), options).top) {
    std::printf("  %.3f  %s\n", score, name(item).c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: explain MODEL ITEM..\n");
    return 2;
  }
  try {
    explain(argv[1], std::span(argv, static_cast<std::size_t>(argc)).subspan(2));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "explain: %s\n", error.what());
    return 1;
  }
  return 0;
}
