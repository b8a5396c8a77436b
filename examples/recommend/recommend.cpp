// SPDX-License-Identifier: Apache-2.0
// `recommend recommend`: pushes a history into a session, as a server would, and prints the best items.
#include <algorithm>
#include <cstdio>
#include <heed/recsys/models/popularity.hpp>
#include <heed/recsys/session.hpp>
#include <memory>
#include <numeric>

#include "model_file.hpp"
#include "subcommands.hpp"

namespace {

void print_item(const SavedModel& saved, const Interactions& log, heed::data::Id item, double score) {
  std::printf("%-12s %.4f  %s\n", heed::printable(saved.catalogue.items.text(item)).c_str(), score,
              shown_name(log, item).c_str());
}

/// Prints the items that were taken most often, with their shares of all training events.
void print_popular(const SavedModel& saved, const Interactions& log, Index k) {
  std::printf("there is no history, and this model predicts from one only: the most popular items\n");
  const auto& counts = saved.catalogue.counts;
  const auto all = static_cast<double>(std::max(Index{1}, std::accumulate(counts.begin(), counts.end(), Index{0})));
  for (const heed::data::Id item : heed::recsys::Popularity(saved.catalogue).top(k)) {
    print_item(saved, log, item, static_cast<double>(counts[static_cast<std::size_t>(item)]) / all);
  }
}

void print_best(Somebody& somebody) {
  Files files;
  somebody.read_by(files);
  const auto saved = somebody.load();
  if (somebody.past.empty() && !saved.task.next_basket && !saved.catalogue.counts.empty()) {
    print_popular(saved, somebody.log, somebody.k);
    return;
  }
  const History& past = somebody.past;
  heed::recsys::Session<Model> session(
      saved.model,
      {.max_length = saved.task.max_length, .exclude_seen = !saved.task.keeps_history(), .time_unit = past.time_unit});
  for (std::size_t i = 0; i < past.items.size(); ++i) {
    session.push(past.items[i], past.times.empty() ? static_cast<std::int64_t>(i) : past.times[i],
                 past.kinds.empty() ? -1 : past.kinds[i]);
  }
  for (const auto& [item, score] : session.top_k(somebody.k)) {
    print_item(saved, somebody.log, item, static_cast<double>(score));
  }
}

}  // namespace

void add_recommend(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("recommend", "Recommend items to a user");
  const auto somebody = std::make_shared<Somebody>();
  somebody->add_options(command);
  command.callback([somebody] { print_best(*somebody); });
}
