// SPDX-License-Identifier: Apache-2.0
// Long tables of results that grow over several invocations: a plan of runs, one file for each run that is done, and
// the page made of the files that are there.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>
#include <heed/io/atomic_file.hpp>
#include <heed/nn/init.hpp>
#include <heed/recsys/task.hpp>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <string>
#include <vector>

#include "comparison.hpp"
#include "configuration.hpp"
#include "log_file.hpp"
#include "table.hpp"

/// The plan is JSON: `data` by name (`title`, `file`, `format`, `next_basket`), and `runs`, each with `data`, `name`,
/// `encoder`, `set` (see change), `seeds`, and `published` for the page. A run's file is named by a hash of all that it
/// depends on, so a changed configuration is a new run.
class Benchmark {
 public:
  using json = nlohmann::json;

  struct Options {
    std::string plan = "examples/benchmark.json", data_dir = ".", results = "docs/results", page = "docs/results.md";
    std::string only = ".*";    ///< runs whose "data/name" this finds
    double minutes = INFINITY;  ///< no run begins after that
    int seeds = 0;              ///< 0: as many as the plan says
  };

  Benchmark(Options options, heed::Executor& executor) : options_(std::move(options)), executor_(executor) {
    std::ifstream file(options_.plan);
    plan_ = json::parse(file, nullptr, false);
    if (plan_.is_discarded()) heed::fail<heed::IoError>("benchmark", options_.plan + " is not there or not JSON");
  }

  /// Runs what is not done, then writes the page. `go_on` ends it before the next epoch.
  void run(const std::function<bool()>& go_on) {
    const Stopwatch watch;
    std::filesystem::create_directories(options_.results);
    const std::regex only(options_.only);
    // Seed by seed, so that every row has a figure early.
    for (int seed = 1; seed <= most_seeds(); ++seed) {
      for (const json& run : plan_.at("runs")) {
        if (seed > seeds_of(run) || !std::regex_search(label(run), only)) continue;
        if (!go_on() || watch.seconds() > 60 * options_.minutes) break;
        const json wanted = identity(run, seed);
        if (std::filesystem::exists(path_of(wanted))) continue;
        std::printf("%s, seed %d\n", label(run).c_str(), seed);
        std::fflush(stdout);
        try {
          if (auto result = train(run, wanted, go_on)) write(path_of(wanted), result->dump(1) + "\n");
        } catch (const heed::Error& error) {
          std::printf("%s\n\n", error.what());  // the others go on
        }
      }
    }
    write(options_.page, page());
  }

 private:
  struct Data {
    heed::data::Interactions log;
    std::optional<heed::recsys::Task> task;
    std::vector<Measured> baselines;
  };

  static std::string label(const json& run) { return text(run, "data") + "/" + text(run, "name"); }
  static std::string text(const json& from, const char* name) { return from.at(name).get<std::string>(); }
  int seeds_of(const json& run) const { return options_.seeds > 0 ? options_.seeds : run.value("seeds", 3); }
  int most_seeds() const {
    int most = 0;
    for (const json& run : plan_.at("runs")) most = std::max(most, seeds_of(run));
    return most;
  }

  Configuration configuration_of(const json& run) const {
    Configuration out = preset(text(run, "encoder"), plan_.at("data").at(text(run, "data")).at("next_basket"));
    change(run.value("set", json::object()), out);
    out.recommender.max_length = out.task.max_length;
    return out;
  }
  json identity(const json& run, int seed) const {
    return {{"data", run.at("data")}, {"configuration", to_json(configuration_of(run))}, {"seed", seed}};
  }
  /// FNV-1a of the identity.
  std::string path_of(const json& identity) const {
    std::uint64_t hash = 14695981039346656037u;
    for (const char c : identity.dump()) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    char name[32];
    std::snprintf(name, sizeof(name), "%016llx.json", static_cast<unsigned long long>(hash));
    return options_.results + "/" + name;
  }
  static void write(const std::string& path, const std::string& content) {
    heed::io::AtomicFile file("benchmark", path);
    file.write(content);
    file.commit();
  }

  /// Read once; the page needs it too, for baselines.
  Data* data_of(const std::string& name) {
    const auto [at, is_new] = data_.try_emplace(name);
    Data& data = at->second;
    if (is_new) {
      const json& spec = plan_.at("data").at(name);
      LogFile file;
      // Beside the plan, or where the other data sets are.
      file.data = (std::filesystem::path(options_.plan).parent_path() / text(spec, "file")).string();
      if (!std::filesystem::exists(file.data)) file.data = options_.data_dir + "/" + text(spec, "file");
      file.format = LogFile::formats().at(text(spec, "format"));
      if (!std::filesystem::exists(file.data)) {
        std::printf("%s is not there: its runs are left out\n", file.data.c_str());
        return nullptr;
      }
      data.log = file.read();
      data.task.emplace(data.log, heed::recsys::TaskOptions{.next_basket = spec.at("next_basket")});
    }
    return data.task ? &data : nullptr;
  }

  std::optional<json> train(const json& run, const json& identity, const std::function<bool()>& go_on) {
    using Model = heed::recsys::AnyRecommender<float>;
    Data* const data = data_of(text(run, "data"));
    if (data == nullptr) return std::nullopt;
    Configuration configuration = configuration_of(run);
    const heed::recsys::Task task(data->log, configuration.task);
    configuration.recommender.num_items = data->log.num_items();
    const heed::Random random(identity.at("seed").get<std::uint64_t>());
    Model model(configuration.recommender, configuration.encoder);
    heed::nn::initialize(model, random.fork("weights"));
    auto training = configuration.training;
    training.random = random.fork("training");
    training.executor = &executor_;
    heed::recsys::TrainHooks hooks;
    hooks.on_step = [&](const heed::recsys::TrainProgress&) { return go_on(); };
    json epochs = json::array();
    hooks.on_epoch = [&](const heed::recsys::EpochReport& done) {
      std::printf("epoch %3td  loss %.4f  validation NDCG@10 %.4f%s  %.1f s + %.1f s\n", done.epoch, done.loss,
                  done.validation, done.best ? " (best)" : "", done.seconds, done.validation_seconds);
      std::fflush(stdout);
      epochs.push_back({done.loss, done.validation, done.seconds, done.validation_seconds});
    };
    const Stopwatch watch;
    const auto report = heed::recsys::fit(model, task, training, hooks);
    if (report.interrupted) return std::nullopt;
    const double seconds = watch.seconds();
    heed::recsys::BatchRanker<Model> ranker(model,
                                            {.max_length = configuration.task.max_length, .executor = &executor_});
    const auto evaluation = ranker.evaluate(data->log, task.split(), task.evaluation());
    const auto mean = evaluation.all.mean();
    json out = identity;
    out["name"] = run.at("name");
    out["test"] = {{"hit_rate", mean.hit_rate},
                   {"recall", mean.recall},
                   {"ndcg", mean.ndcg},
                   {"mrr", mean.mrr},
                   {"coverage", evaluation.coverage}};
    out["validation"] = report.epochs[static_cast<std::size_t>(report.best_epoch - 1)].validation;
    out["best_epoch"] = report.best_epoch;
    out["epochs"] = epochs;  // loss, validation, seconds, seconds of validation
    out["seconds"] = seconds;
    out["parameters"] = heed::nn::parameter_count(model);
    out["threads"] = executor_.threads();
    out["heed"] = heed::version();
    out["isa"] = heed::isa();
    if (task.options().next_basket) out["ndcg_of_users"] = evaluation.all.ndcg;  // for paired intervals
    std::printf("epoch %td is the best; test HR@10 %.4f, NDCG@10 %.4f; %.0f s\n\n", report.best_epoch, mean.hit_rate,
                mean.ndcg, seconds);
    std::fflush(stdout);
    return out;
  }

  // ---- the page

  static std::string mean_and_spread(const std::vector<double>& values) {
    double mean = 0, square = 0;
    for (const double value : values) mean += value / static_cast<double>(values.size());
    for (const double value : values) square += (value - mean) * (value - mean);
    const double n = static_cast<double>(values.size());
    return fixed(mean, 4) + (n > 1 ? " ± " + fixed(std::sqrt(square / (n - 1)), 4) : "");
  }

  /// What stands above the runs: the log and the traditional models. Kept in a file, as some take minutes and the log
  /// may not be there the next time. Of last baskets it is made anew: intervals pair their users with the models'.
  std::string head(const std::string& name) {
    const json& spec = plan_.at("data").at(name);
    const std::string path = options_.results + "/" + name + ".md";
    const bool paired = spec.at("next_basket");
    if (std::ifstream file(path); file && !paired) return {std::istreambuf_iterator<char>(file), {}};
    Data* const data = data_of(name);
    if (data == nullptr) return "Not measured: the log was not there.\n";
    data->baselines = measure_baselines(*data->task, true);
    std::string out =
        heed::message(data->log.num_users(), " users, ", data->log.num_items(), " items, ", data->log.size(),
                      " events. ", text(spec, "protocol"),
                      "\n\n| model | HR@10 | NDCG@10 | MRR@10 | coverage | seeds | best epoch | s an epoch | "
                      "s in all | published |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for (const Measured& one : data->baselines) {
      const auto mean = one.evaluations.front().all.mean();
      out += "| " + one.name + " | " + fixed(mean.hit_rate, 4) + " | " + fixed(mean.ndcg, 4) + " | " +
             fixed(mean.mrr, 4) + " | " + fixed(one.evaluations.front().coverage, 3) + " | | | | " +
             fixed(one.training_seconds, 1) + " | |\n";
    }
    write(path, out);
    return out;
  }

  std::string page() {
    std::string out = text(plan_, "introduction") + "\n";
    for (const auto& [name, spec] : plan_.at("data").items()) {
      out += "\n## " + text(spec, "title") + "\n\n" + head(name);
      for (const json& run : plan_.at("runs")) {
        if (text(run, "data") == name) out += row(run, data_[name]);
      }
    }
    return out;
  }

  std::string row(const json& run, const Data& data) const {
    std::vector<double> hit_rate, ndcg, mrr, coverage, epoch, seconds, all, of_users;
    for (int seed = 1; seed <= std::max(seeds_of(run), run.value("seeds", 3)); ++seed) {
      std::ifstream file(path_of(identity(run, seed)));
      if (!file) continue;
      const json done = json::parse(file);
      hit_rate.push_back(done.at("test").at("hit_rate"));
      ndcg.push_back(done.at("test").at("ndcg"));
      mrr.push_back(done.at("test").at("mrr"));
      coverage.push_back(done.at("test").at("coverage"));
      epoch.push_back(done.at("best_epoch"));
      all.push_back(done.at("seconds"));
      double sum = 0;
      for (const json& one : done.at("epochs")) sum += one.at(2).get<double>() + one.at(3).get<double>();
      seconds.push_back(sum / static_cast<double>(done.at("epochs").size()));
      if (!done.contains("ndcg_of_users")) continue;
      const auto users = done.at("ndcg_of_users").get<std::vector<double>>();
      of_users.resize(users.size());
      for (std::size_t i = 0; i < users.size(); ++i) of_users[i] += users[i];
    }
    if (ndcg.empty()) return "";
    const auto mean = [](const std::vector<double>& values) {
      double sum = 0;
      for (const double value : values) sum += value;
      return sum / static_cast<double>(values.size());
    };
    std::string name = text(run, "name");
    if (!of_users.empty() && !data.baselines.empty()) {
      for (double& one : of_users) one /= static_cast<double>(ndcg.size());
      // Against the best of what counts alone.
      const Measured* best = nullptr;
      for (const Measured& one : data.baselines) {
        if (best == nullptr || one.evaluations[0].all.mean().ndcg > best->evaluations[0].all.mean().ndcg) best = &one;
      }
      const auto difference =
          heed::recsys::paired_bootstrap(of_users, best->per_user(&heed::recsys::Metrics::ndcg), heed::Random(1));
      name += " (" + interval(difference) + " over " + best->name + ")";
    }
    return "| " + name + " | " + mean_and_spread(hit_rate) + " | " + mean_and_spread(ndcg) + " | " +
           mean_and_spread(mrr) + " | " + fixed(mean(coverage), 3) + " | " + std::to_string(ndcg.size()) + " | " +
           fixed(mean(epoch), 0) + " | " + fixed(mean(seconds), 1) + " | " + fixed(mean(all), 0) + " | " +
           run.value("published", "") + " |\n";
  }

  Options options_;
  heed::Executor& executor_;
  json plan_;
  std::map<std::string, Data> data_;
};
