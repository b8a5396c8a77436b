// SPDX-License-Identifier: Apache-2.0
// `recommend explain`: the best items for a user, and the attention weights behind them.
#include <cstdio>
#include <heed/io/report.hpp>
#include <memory>
#include <string>

#include "model_file.hpp"
#include "subcommands.hpp"

namespace {

void print_explanation(Somebody& somebody, const std::string& report_path, bool force) {
  Files files(force);
  somebody.read_by(files);
  files.writes("--report", report_path, Output::report);
  const auto saved = somebody.load();
  const History& past = somebody.past;
  heed::Tape<float> tape({.record = false});
  const auto why = heed::recsys::explain(saved.model, tape, past, explain_options(saved.task, somebody.k));
  print_history(somebody.log, past);
  print_recommendations(somebody.log, why);
  print_reasons(somebody.log, past, why, somebody.k);
  print_deletion_test(saved.model, tape, std::span(&past, 1), saved.task, heed::Random(somebody.seed));
  heed::io::Report report("Why these recommendations");
  report.heat_map(attention_over_time(saved.model, tape, somebody.log, past, saved.task, "What the attention weighed"));
  report.write(report_path);
  std::printf("Wrote %s\n", heed::printable(report_path).c_str());
}

}  // namespace

void add_explain(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("explain", "Recommend items to a user and show the attention weights");
  const auto somebody = std::make_shared<Somebody>();
  const auto report = std::make_shared<std::string>("report.html");
  const auto force = std::make_shared<bool>(false);
  somebody->add_options(command);
  command.add_option("--report", *report, "Where to write the attention heat map")->capture_default_str();
  add_force_option(command, *force);
  command.callback([somebody, report, force] { print_explanation(*somebody, *report, *force); });
}
