// SPDX-License-Identifier: Apache-2.0
// `recommend benchmark`: tables of results that are completed over several invocations. Trains the runs of a plan that
// have no file of results, then writes the page from the files.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <string>

#include "benchmark_page.hpp"
#include "benchmark_run.hpp"
#include "files.hpp"
#include "log_options.hpp"
#include "subcommands.hpp"
#include "threads.hpp"
#include "words.hpp"

namespace {

struct BenchmarkOptions {
  std::string plan = "examples/benchmark.json", data_dir = ".", results = "docs/results", page = "docs/results.md";
  std::string only = ".*";    ///< regular expression: runs whose "data/name" matches
  double minutes = INFINITY;  ///< no run starts after this time
  int seeds = 0;              ///< 0: as in the plan
  int threads = 0;
  bool force = false;
  CheckpointOptions checkpoint;
};

class Benchmark {
 public:
  Benchmark(const BenchmarkOptions& options, heed::Executor& executor)
      : options_(options), executor_(executor), plan_(options.plan, options.data_dir), results_(options.results) {
    check_expression("--only", options.only);
    Files files(options.force);
    files.reads("--plan", options.plan);
    for (const auto& [name, data] : plan_.data) files.reads("data " + name + " of the plan", data.path());
    results_.written_by(files, plan_, options.seeds);
    files.writes("--page", options.page, Output::page);
    options.checkpoint.check(files);
    heed::io::AtomicFile("benchmark", options.page);  // throws unless the page can be written
  }

  /// Trains the missing runs, then writes the page. Ctrl-C ends it after the current step; the page is then unchanged.
  void run() {
    const heed::Stopwatch watch;
    const std::regex only(options_.only);
    int most_seeds = 0;
    for (const Run& run : plan_.runs) most_seeds = std::max(most_seeds, seeds_of(run));
    // All runs with one seed before the next seed, so that every row has a figure early.
    for (int seed = 1; seed <= most_seeds; ++seed) {
      for (const Run& run : plan_.runs) {
        if (seed > seeds_of(run) || !std::regex_search(run.label(), only)) continue;
        if (interrupted() || watch.seconds() > 60 * options_.minutes) break;
        try {
          measure_unless_done(run, seed);
        } catch (const heed::Error& error) {
          std::printf("%s\n\n", error.what());  // the other runs continue
        }
      }
    }
    const auto text = page();
    if (text) Results::write(options_.page, *text);
    std::printf(text ? "Wrote %s\n" : "Interrupted: %s is unchanged\n", heed::printable(options_.page).c_str());
    if (text) results_.print_unused(plan_, options_.seeds);
  }

 private:
  struct Log {
    heed::data::Interactions interactions;
    std::optional<heed::recsys::Task> task;
  };

  int seeds_of(const Run& run) const { return options_.seeds > 0 ? options_.seeds : run.seeds; }

  /// Read once, for runs and baselines. Null when the file does not exist.
  const Log* log_of(const DataSet& data) {
    const auto [at, fresh] = logs_.try_emplace(data.name);
    if (fresh) {
      if (std::filesystem::exists(data.path())) {
        heed::io::LogReport report;
        at->second = std::make_unique<Log>(Log{read_and_report(data.file, report), {}});
        const heed::recsys::TaskOptions options{.next_basket = data.next_basket, .keep_history = data.keep_history};
        at->second->task.emplace(at->second->interactions, options);
      } else {
        std::printf("%s does not exist: its runs are skipped\n", heed::printable(data.path()).c_str());
      }
    }
    return at->second.get();
  }

  void measure_unless_done(const Run& run, int seed) {
    const DataSet& data = plan_.data.at(run.data);
    std::string why;
    if (results_.find(run, data, seed, &why)) return;
    if (!why.empty()) std::printf("%s\n", why.c_str());
    std::printf("%s, seed %d\n", run.label().c_str(), seed);
    std::fflush(stdout);
    const Log* log = log_of(data);
    if (log == nullptr) return;
    const auto result = BenchmarkRun(log->interactions, seed, options_.checkpoint, executor_)(run, data);
    if (!result) return;
    std::printf("best epoch %td; test", result->at("best_epoch").get<heed::Index>());
    for (const auto& [figure, value] : result->at("test").items()) {
      std::printf(" %s %.4f", heed::printable(figure).c_str(), value.get<double>());
    }
    std::printf("; %.0f s\n\n", result->at("seconds").get<double>());
    std::fflush(stdout);
    Results::write(results_.path_of(run, seed), result->dump(1) + "\n");
    if (options_.checkpoint.folder.empty()) return;
    std::filesystem::remove_all(std::filesystem::path(options_.checkpoint.folder) / BenchmarkRun::folder_of(run, seed));
  }

  /// Read from their file, or measured and stored; empty when neither the file nor the log exists.
  std::optional<nlohmann::json> baselines_of(const DataSet& data) {
    std::string why;
    if (auto stored = results_.find(data, &why)) return stored;
    if (!why.empty()) std::printf("%s\n", why.c_str());
    const Log* log = log_of(data);
    if (log == nullptr) return std::nullopt;
    auto out = measured_baselines(data, *log->task);
    Results::write(results_.path_of(data), out.dump(1) + "\n");
    return out;
  }

  /// Empty when Ctrl-C ended it.
  std::optional<std::string> page() {
    std::string out = std::string(page_marker) + plan_.introduction + "\n";
    for (const auto& [name, data] : plan_.data) {
      if (interrupted()) return std::nullopt;
      out += "\n## " + data.title + "\n\n";
      const auto counted = baselines_of(data);
      out +=
          counted ? tables(plan_, data, results_, options_.seeds, *counted) : "Not measured: the log was not found.\n";
    }
    return out;
  }

  const BenchmarkOptions& options_;
  heed::Executor& executor_;
  Plan plan_;
  Results results_;
  std::map<std::string, std::unique_ptr<Log>> logs_;
};

void run_benchmark(const BenchmarkOptions& options) {
  const auto executor = make_executor(options.threads);
  print_banner(*executor);
  catch_interrupts();
  try {
    Benchmark(options, *executor).run();
  } catch (const heed::Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {  // from JSON, a missing name, or the expression of --only
    heed::fail<heed::IoError>("benchmark", heed::printable(options.plan),
                              " or a file of results: ", heed::printable(error.what()));
  }
}

}  // namespace

void add_benchmark(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("benchmark", "Train the missing runs of a plan, write the page of results");
  const auto options = std::make_shared<BenchmarkOptions>();
  command.add_option("--plan", options->plan, "The runs to train (JSON)")->capture_default_str();
  command.add_option("--data-dir", options->data_dir, "Folder of the data sets")->capture_default_str();
  command.add_option("--results", options->results, "Folder of results, a file per run")->capture_default_str();
  command.add_option("--page", options->page, "Where to write the tables")->capture_default_str();
  command.add_option("--only", options->only, "Runs whose data/name matches (regular expression)");
  command.add_option("--seeds", options->seeds, "Seeds per run; 0: as in the plan")
      ->check(CLI::Range(0, most_seeds_of_a_run));
  command.add_option("--minutes", options->minutes, "Start no run after this time");
  add_force_option(command, options->force);
  options->checkpoint.add_options(command);
  add_threads_option(command, options->threads);
  command.callback([options] { run_benchmark(*options); });
}
