// SPDX-License-Identifier: Apache-2.0
// `recommend recommend`: pushes a history into a session, as a server would, and prints the best items.
#include <cstdio>
#include <heed/recsys/session.hpp>
#include <memory>

#include "model_file.hpp"
#include "subcommands.hpp"

namespace {

void print_best(Somebody& somebody) {
  Files files;
  somebody.read_by(files);
  const auto saved = somebody.load();
  const History& past = somebody.past;
  heed::recsys::Session<Model> session(
      saved.model,
      {.max_length = saved.task.max_length, .exclude_seen = !saved.task.next_basket, .time_unit = past.time_unit});
  for (std::size_t i = 0; i < past.items.size(); ++i) {
    session.push(past.items[i], past.times.empty() ? static_cast<std::int64_t>(i) : past.times[i],
                 past.kinds.empty() ? -1 : past.kinds[i]);
  }
  for (const auto& [item, score] : session.top_k(somebody.k)) {
    std::printf("%-12s %.4f  %s\n", heed::printable(saved.catalogue.items.text(item)).c_str(),
                static_cast<double>(score), shown_name(somebody.log, item).c_str());
  }
}

}  // namespace

void add_recommend(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("recommend", "Recommend items to a user");
  const auto somebody = std::make_shared<Somebody>();
  somebody->add_options(command);
  command.callback([somebody] { print_best(*somebody); });
}
