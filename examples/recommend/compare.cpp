// SPDX-License-Identifier: Apache-2.0
// `recommend compare`: does attention help, also on long histories? Trains the baselines, an LSTM without attention and
// every kind of attention on the same split, and prints their figures side by side.
#include <algorithm>
#include <cstdio>
#include <heed/io/atomic_file.hpp>
#include <heed/io/comparison.hpp>
#include <heed/io/report.hpp>
#include <heed/recsys/task.hpp>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "compare_tables.hpp"
#include "files.hpp"
#include "log_options.hpp"
#include "seeds.hpp"
#include "subcommands.hpp"
#include "threads.hpp"

namespace {

constexpr const char* compare_introduction =
    "# What attention is worth\n\n"
    "The questions about attention in recommenders that published comparisons leave open: does attention improve an\n"
    "LSTM, also on long histories; what remains of the gain with little training data or for new users; what do\n"
    "longer histories cost and gain. Written by `recommend compare`. An answer is yes or no where the 95 % interval\n"
    "of a paired bootstrap over the users excludes zero (one in twenty does by chance). Short, middle and long:\n"
    "thirds of the users by the length of their history. Seconds are wall time.\n\n";

class Compare {
 public:
  void add_options(CLI::App& app) {
    file_.paths = {"examples/data/baskets.tsv"};
    add_log_options(app, file_, false);
    add_seed_option(app, first_seed_, "Seed of weights, dropout, order and samples");
    add_seeds_option(app, seeds_, "Number of trainings per model; figures are means");
    const CLI::Range epochs(Index{1}, Index{1'000'000'000}), lengths(Index{1}, Index{1'000'000});
    app.add_option("--epochs", limits_.max_epochs, "Maximum number of epochs")->check(epochs);
    app.add_flag("--keep-history", limits_.keep_history, keep_history_help);
    app.add_option("--max-length", limits_.max_length, "Events of a history that a neural model sees")->check(lengths);
    app.add_option("--shares", shares_, "Also train on these shares of the users, for example 0.05 0.25 1")
        ->check(CLI::Range(1e-6, 1.0));
    auto* const with_lengths =
        app.add_option("--lengths", lengths_, "Also limit the models to so many events, for example 50 200 1000")
            ->check(lengths);
    app.add_option("--lengths-of", lengths_of_, "Models that --lengths applies to, a regular expression")
        ->capture_default_str()
        ->needs(with_lengths);
    app.add_option("--report", report_, "Where to write tables and curves")->capture_default_str();
    app.add_option("--page", page_, "Where to write the tables as Markdown");
    add_force_option(app, force_);
    add_threads_option(app, threads_);
  }

  void run() const {
    // Errors of the last steps (expression, output files) are reported before hours of training.
    const std::regex shown_lengths = expression(lengths_of_);
    const auto all = variants();
    if (std::none_of(all.begin(), all.end(),
                     [&](const Variant& v) { return std::regex_search(v.name, shown_lengths); })) {
      heed::fail<heed::OptionError>("--lengths-of", "'", lengths_of_, "' matches no model");
    }
    for (const double share : shares_) {
      if (!(share > 0)) heed::fail<heed::OptionError>("--shares", "a share of ", share);  // CLI::Range accepts NaN
    }
    Files files(force_);
    read_by(files, file_);
    files.writes("--report", report_, Output::report);
    files.writes("--page", page_, Output::page);
    for (const std::string& path : {report_, page_}) {
      if (!path.empty()) heed::io::AtomicFile("write_report", path);
    }
    const auto executor = make_executor(threads_);
    print_banner(*executor);
    heed::io::LogReport read;
    const auto log = read_and_report(file_, read);
    const bool next_basket = read.baskets != heed::data::Baskets::none;
    const heed::recsys::Task task(log, {.next_basket = next_basket, .keep_history = limits_.keep_history});
    std::vector<std::uint64_t> seeds;
    for (int s = 0; s < seeds_; ++s) seeds.push_back(first_seed_ + static_cast<std::uint64_t>(s));

    std::vector<Curve> curves;
    auto models = heed::recsys::measure_baselines(task, true);
    const std::size_t baselines = models.size();
    if (models.front().evaluations.front().users.size() < 3) {
      heed::fail<heed::OptionError>("compare", "fewer than three users have test events");
    }
    for (const Variant& variant : all) {
      models.push_back(measure(variant, log, next_basket, limits_, seeds, *executor, &curves));
    }

    heed::io::Report report("Recommenders on " + file_.title());
    std::string page = heed::message(
        page_marker, compare_introduction, heed::io::markdown_text(file_.title()), ": ", log.num_users(), " users, ",
        log.num_items(), " items, ", log.size(), " events. ", seeds_, seeds_ == 1 ? " seed, " : " seeds, ",
        executor->threads(), executor->threads() == 1 ? " thread" : " threads", ", instruction set ", heed::isa(),
        limits_.max_epochs > 0 ? heed::message(", at most ", limits_.max_epochs, " epochs") : "",
        limits_.max_length > 0 ? heed::message(", at most ", limits_.max_length, " events of a history") : "", ".\n");
    const auto show = [&](const std::string& caption, const heed::io::Table& table) {
      std::printf("\n%s:\n%s", caption.c_str(), table.text().c_str());
      report.table(caption, table);
      page += "\n## " + caption + "\n\n" + table.markdown();
    };
    const Index k = task.options().k;
    show(heed::message("Test, ", models.front().evaluations.front().users.size(), " users"),
         heed::io::metrics_table(models, k));
    show(heed::message("NDCG@", k, " by length of history, and costs"), lengths_and_costs(models));
    show("Does attention help, and on long histories?",
         all_verdicts(models, baselines, heed::Random(first_seed_).fork("bootstrap")));
    if (!shares_.empty()) {
      show("NDCG@10 by share of training users",
           by_share(log, next_basket, limits_, shares_, seeds, *executor, models));
    }
    if (!lengths_.empty()) {
      show("NDCG@10 by number of events that the models see",
           by_length(log, next_basket, limits_, lengths_, shown_lengths, seeds, *executor));
    }
    write_curves(report, curves, task.validates() ? "Validation NDCG@10" : "Negative training loss");
    report.write(report_);
    std::printf("\nWrote %s\n", heed::printable(report_).c_str());
    if (!page_.empty()) {
      heed::io::AtomicFile written("write_page", page_);
      written.write(page);
      written.commit();
      std::printf("Wrote %s\n", heed::printable(page_).c_str());
    }
  }

 private:
  static std::regex expression(const std::string& text) {
    check_expression("--lengths-of", text);
    try {
      return std::regex(text);
    } catch (const std::regex_error& error) {
      heed::fail<heed::OptionError>("--lengths-of", "'", text, "': ", error.what());
    }
  }

  LogFiles file_;
  Limits limits_;
  std::uint64_t first_seed_ = 1;
  int seeds_ = 1, threads_ = 0;
  bool force_ = false;
  std::string report_ = "comparison.html", page_, lengths_of_ = ".";
  std::vector<double> shares_;
  std::vector<Index> lengths_;
};

}  // namespace

void add_compare(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("compare", "Compare recommenders with and without attention on one split");
  const auto compare = std::make_shared<Compare>();
  compare->add_options(command);
  command.callback([compare] { compare->run(); });
}
