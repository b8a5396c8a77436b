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
#include <heed/io/recommender.hpp>
#include <heed/nn/init.hpp>
#include <heed/recsys/candidate_scorer.hpp>
#include <heed/recsys/deletion_test.hpp>
#include <heed/recsys/models/din.hpp>
#include <heed/recsys/task.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "comparison.hpp"
#include "../configuration.hpp"
#include "../log_file.hpp"
#include "progress.hpp"
#include "../table.hpp"

/// The plan is JSON: `data` by name (`title`, `file`, `format`, `next_basket`, `protocol`), and `runs`, each with
/// `data`, `name`, `encoder` (or `model`: din), `set` (see change), `seeds`, and `published` for the page.
///
/// The file of a run is named by a hash of data set, model, seed and the options that are not their structs' defaults,
/// so that a changed plan is measured anew and an option that heed gains orphans nothing; that of a data set's
/// traditional models by one of the data set. The names know nothing of what a log holds and how heed trains and
/// measures: where these change, delete the files.
class Benchmark {
 public:
  using json = nlohmann::json;

  struct Options {
    std::string plan = "examples/benchmark.json", data_dir = ".", results = "docs/results", page = "docs/results.md";
    std::string only = ".*";    ///< runs whose "data/name" this finds
    double minutes = INFINITY;  ///< no run begins after that
    int seeds = 0;              ///< 0: as many as the plan says
  };

  /// Throws heed::Error on a plan that is not there, and on what is wrong with it before anything is run.
  Benchmark(Options options, heed::Executor& executor) : options_(std::move(options)), executor_(executor) {
    std::ifstream file(options_.plan);
    const json plan = json::parse(file, nullptr, false);
    if (plan.is_discarded()) heed::fail<heed::IoError>("benchmark", options_.plan + " is not there or not JSON");
    introduction_ = text(plan, "introduction");
    for (const auto& [name, spec] : plan.at("data").items()) {
      naming("data " + name, [&, &name = name, &spec = spec] { data_.emplace(name, data_of(spec)); });
    }
    for (const json& spec : plan.at("runs")) {
      Run run;
      naming(spec.value("data", "") + "/" + spec.value("name", ""), [&] { run = run_of(spec); });
      runs_.push_back(std::move(run));
    }
  }

  /// Runs what is not done, then writes the page. `go_on` ends it before the next epoch; the page is then as it was.
  void run(const std::function<bool()>& go_on) {
    const Stopwatch watch;
    std::filesystem::create_directories(options_.results);
    const std::regex only(options_.only);
    int most_seeds = 0;
    for (const Run& run : runs_) most_seeds = std::max(most_seeds, seeds_of(run));
    // Seed by seed, so that every row has a figure early.
    for (int seed = 1; seed <= most_seeds; ++seed) {
      for (const Run& run : runs_) {
        if (seed > seeds_of(run) || !std::regex_search(run.label(), only)) continue;
        if (!go_on() || watch.seconds() > 60 * options_.minutes) break;
        if (result_of(run, seed)) continue;
        std::printf("%s, seed %d\n", run.label().c_str(), seed);
        std::fflush(stdout);
        try {
          if (auto result = train(run, seed, go_on)) write(path_of(run, seed), result->dump(1) + "\n");
        } catch (const heed::Error& error) {
          std::printf("%s\n\n", error.what());  // the others go on
        }
      }
    }
    const auto text = page(go_on);
    if (text) write(options_.page, *text);
    std::printf(text ? "Wrote %s\n" : "Interrupted: %s is as it was\n", options_.page.c_str());
    if (text) tell_unused();
  }

 private:
  struct Data {
    std::string title, protocol;
    json key;  ///< what a figure depends on, whichever the model
    bool next_basket = true;
    LogFile file;
    bool read = false;
    heed::data::Interactions log;
    std::optional<heed::recsys::Task> task;  ///< nothing: the log is not there
  };
  struct Run {
    std::string data, name, published;
    int seeds = 3;
    std::variant<Configuration, ClickConfiguration> configuration;  ///< of a model of the next item, of DIN
    json options;                                                   ///< all of the configuration
    json key;                                                       ///< what it depends on but the seed

    std::string label() const { return data + "/" + name; }
  };

  static std::string text(const json& from, const char* name) { return from.at(name).get<std::string>(); }
  int seeds_of(const Run& run) const { return options_.seeds > 0 ? options_.seeds : run.seeds; }

  /// Calls `f`; what it throws says where in the plan.
  template <class F>
  static void naming(const std::string& what, F&& f) {
    try {
      f();
    } catch (const std::exception& error) {
      heed::fail<heed::OptionError>("benchmark", what + ": " + error.what());
    }
  }

  Data data_of(const json& spec) const {
    Data out;
    out.title = text(spec, "title");
    out.protocol = text(spec, "protocol");
    spec.at("next_basket").get_to(out.next_basket);
    const std::string file = text(spec, "file"), format = text(spec, "format");
    out.key = {{"file", file}, {"format", format}, {"next_basket", out.next_basket}};
    const auto known = LogFile::formats().find(format);
    if (known == LogFile::formats().end()) heed::fail<heed::OptionError>("format", "there is no format " + format);
    out.file.format = known->second;
    // Beside the plan, or where the other data sets are.
    out.file.data = (std::filesystem::path(options_.plan).parent_path() / file).string();
    if (!std::filesystem::exists(out.file.data)) out.file.data = options_.data_dir + "/" + file;
    return out;
  }

  Run run_of(const json& spec) const {
    Run out;
    out.data = text(spec, "data");
    out.name = text(spec, "name");
    out.published = spec.value("published", "");
    out.seeds = spec.value("seeds", 3);
    const auto data = data_.find(out.data);
    if (data == data_.end()) heed::fail<heed::OptionError>("data", "the plan has no such data");
    const bool next_basket = data->second.next_basket;
    const json set = spec.value("set", json::object()), task = set.value("task", json::object());
    for (const auto& [option, value] : task.items()) {
      // The models of a data set stand in one table, the traditional ones too.
      if (option != "max_length") heed::fail<heed::OptionError>("set", "task." + option + " is the data set's to say");
    }
    const auto keep = [&](auto configuration, auto defaults, const std::string& model) {
      out.options = options_of(configuration);
      out.key = {{"data", data->second.key}, {"model", model}, {"set", changes(options_of(defaults), out.options)}};
      out.configuration = std::move(configuration);
    };
    if (spec.contains("model")) {
      const std::string model = text(spec, "model");
      if (model != "din") heed::fail<heed::OptionError>("model", "there is no model " + model);
      ClickConfiguration configuration;
      configuration.task.next_basket = next_basket;
      change(set, configuration);
      keep(std::move(configuration), ClickConfiguration{}, model);
    } else {
      Configuration configuration = preset(text(spec, "encoder"), next_basket), defaults;
      change(set, configuration);
      const std::string encoder = heed::io::name_of(configuration.encoder);
      defaults.encoder = heed::io::encoders().at(encoder);
      keep(std::move(configuration), std::move(defaults), encoder);
    }
    return out;
  }

  /// The options that both know, and to which they give another value: `to`'s.
  static json changes(const json& from, const json& to) {
    json out = json::object();
    for (const auto& [name, value] : to.items()) {
      if (!from.contains(name) || value == from.at(name)) continue;
      if (!value.is_object()) {
        out[name] = value;
      } else if (json inner = changes(from.at(name), value); !inner.empty()) {
        out[name] = std::move(inner);
      }
    }
    return out;
  }

  /// FNV-1a of the key.
  std::string path_of(const json& key) const {
    std::uint64_t hash = 14695981039346656037u;
    for (const char c : key.dump()) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
    char name[32];
    std::snprintf(name, sizeof(name), "%016llx.json", static_cast<unsigned long long>(hash));
    return options_.results + "/" + name;
  }
  std::string path_of(const Run& run, int seed) const {
    json key = run.key;
    key["seed"] = seed;
    return path_of(key);
  }
  std::string path_of(const Data& data) const { return path_of(json{{"data", data.key}, {"model", "baselines"}}); }

  static std::optional<json> read(const std::string& path) {
    std::ifstream file(path);
    if (!file) return std::nullopt;
    json out = json::parse(file, nullptr, false);
    if (out.is_discarded()) heed::fail<heed::IoError>("benchmark", path + " is not JSON");
    return out;
  }
  /// Nothing also when the file is of another configuration, as a default has changed since.
  std::optional<json> result_of(const Run& run, int seed) const {
    auto out = read(path_of(run, seed));
    if (out && !changes(out->at("configuration"), run.options).empty()) out.reset();
    return out;
  }
  static void write(const std::string& path, const std::string& content) {
    heed::io::AtomicFile file("benchmark", path);
    file.write(content);
    file.commit();
  }

  /// Files of results that the page is not made of.
  void tell_unused() const {
    std::set<std::filesystem::path> unused;
    for (const auto& entry : std::filesystem::directory_iterator(options_.results)) unused.insert(entry.path());
    for (const auto& [name, data] : data_) unused.erase(path_of(data));
    for (const Run& run : runs_) {
      for (int seed = 1; seed <= std::max(seeds_of(run), run.seeds); ++seed) {
        if (result_of(run, seed)) unused.erase(path_of(run, seed));
      }
    }
    for (const auto& path : unused) std::printf("The plan does not use %s\n", path.c_str());
  }

  /// Read once; the page needs it too, for baselines. False when it is not there.
  bool has_log(Data& data) const {
    if (!std::exchange(data.read, true)) {
      if (!std::filesystem::exists(data.file.data)) {
        std::printf("%s is not there: its runs are left out\n", data.file.data.c_str());
        return false;
      }
      data.log = data.file.read();
      data.task.emplace(data.log, heed::recsys::TaskOptions{.next_basket = data.next_basket});
    }
    return data.task.has_value();
  }

  std::optional<json> train(const Run& run, int seed, const std::function<bool()>& go_on) {
    Data& data = data_.at(run.data);
    if (!has_log(data)) return std::nullopt;
    json out{{"data", data.key},  {"configuration", run.options},   {"seed", seed},
             {"name", run.name},  {"threads", executor_.threads()}, {"heed", heed::version()},
             {"isa", heed::isa()}};
    const bool done = std::visit([&](const auto& configuration) { return train(configuration, data.log, go_on, out); },
                                 run.configuration);
    if (!done) return std::nullopt;
    std::printf("epoch %td is the best; test", out.at("best_epoch").get<heed::Index>());
    for (const auto& [figure, value] : out.at("test").items()) {
      std::printf(" %s %.4f", figure.c_str(), value.get<double>());
    }
    std::printf("; %.0f s\n\n", out.at("seconds").get<double>());
    std::fflush(stdout);
    return out;
  }

  /// Each of these fills `out`, and is false when `go_on` ended it.
  bool train(const Configuration& configuration, const heed::data::Interactions& log,
             const std::function<bool()>& go_on, json& out) {
    using Model = heed::recsys::AnyRecommender<float>;
    const heed::recsys::Task task(log, configuration.task);
    Model model = model_of(configuration, log);
    if (!fit(model, task, configuration.training, {}, go_on, out)) return false;
    const heed::Index length = configuration.task.max_length;
    heed::recsys::BatchRanker<Model> ranker(model, {.max_length = length, .executor = &executor_});
    const auto evaluation = ranker.evaluate(log, task.split(), task.evaluation());
    out["test"] = figures(evaluation);
    heed::recsys::CandidateScorer<Model> scorer(model, {.max_length = length, .executor = &executor_});
    out["test"]["auc"] = mean_auc(task, scorer);
    if (task.options().next_basket) out["ndcg_of_users"] = evaluation.all.ndcg;  // for paired intervals
    // The same histories for every seed and model.
    const heed::Random random = heed::Random(1).fork("deletion test");
    heed::Tape<float> tape({.record = false, .executor = &executor_});
    const auto deleted = heed::recsys::deletion_test(
        model, tape, sample_users(task, random, 500), random,
        {.k = task.options().k, .max_length = length, .keep_history = task.options().next_basket});
    if (deleted.histories > 0) {
      out["deletion"] = {{"histories", deleted.histories},
                         {"most_weighed", deleted.most_weighed},
                         {"other", deleted.other},
                         {"difference", {deleted.difference.mean, deleted.difference.low, deleted.difference.high}}};
    }
    return true;
  }

  bool train(ClickConfiguration configuration, const heed::data::Interactions& log, const std::function<bool()>& go_on,
             json& out) {
    using Model = heed::recsys::DIN<float>;
    const heed::recsys::Task task(log, configuration.task);
    configuration.recommender.num_items = log.num_items();
    Model model(configuration.recommender);
    heed::recsys::CandidateScorer<Model> scorer(model,
                                                {.max_length = configuration.task.max_length, .executor = &executor_});
    heed::recsys::TrainHooks hooks;
    hooks.validate = [&] { return mean_auc(task, scorer, heed::recsys::HeldOut::validation); };
    if (!fit(model, task, configuration.training, std::move(hooks), go_on, out)) return false;
    out["test"]["auc"] = mean_auc(task, scorer);
    return true;
  }

  /// Trains `model`, from the seed in `out`.
  template <heed::recsys::Recommender Model>
  bool fit(Model& model, const heed::recsys::Task& task, heed::recsys::TrainOptions training,
           heed::recsys::TrainHooks hooks, const std::function<bool()>& go_on, json& out) {
    const heed::Random random(out.at("seed").get<std::uint64_t>());
    heed::nn::initialize(model, random.fork("weights"));
    training.random = random.fork("training");
    training.executor = &executor_;
    hooks.on_step = [&](const heed::recsys::TrainProgress&) { return go_on(); };
    json epochs = json::array();
    hooks.on_epoch = [&](const heed::recsys::EpochReport& done) {
      std::printf("epoch %3td  loss %.4f  validation %.4f%s  %.1f s + %.1f s\n", done.epoch, done.loss, done.validation,
                  done.best ? " (best)" : "", done.seconds.training(), done.seconds.validation);
      std::fflush(stdout);
      epochs.push_back({done.loss, done.validation, done.seconds.training(), done.seconds.validation});
    };
    const Stopwatch watch;
    const auto report = heed::recsys::fit(model, task, training, std::move(hooks));
    if (report.interrupted) return false;
    out["seconds"] = watch.seconds();
    out["epochs"] = std::move(epochs);  // loss, validation, seconds, seconds of validation
    for (const auto& [phase, seconds] : mean_phases(report.epochs)) out["seconds_an_epoch"][phase] = seconds;
    out["best_epoch"] = report.best_epoch;
    out["validation"] = report.epochs[static_cast<std::size_t>(report.best_epoch - 1)].validation;
    out["parameters"] = heed::nn::parameter_count(model);
    return true;
  }

  static json figures(const heed::recsys::Evaluation& evaluation) {
    const auto mean = evaluation.all.mean();
    return {{"hit_rate", mean.hit_rate},
            {"recall", mean.recall},
            {"ndcg", mean.ndcg},
            {"mrr", mean.mrr},
            {"coverage", evaluation.coverage}};
  }

  // ---- the page

  /// The log and the traditional models on it. Kept in a file, as some take minutes and the log may not be there the
  /// next time; nothing when it is not there now.
  std::optional<json> baselines(Data& data) const {
    const std::string path = path_of(data);
    if (auto counted = read(path)) return counted;
    if (!has_log(data)) return std::nullopt;
    const heed::recsys::Task& task = *data.task;
    json out{{"data", data.key}, {"model", "baselines"}};
    out["users"] = data.log.num_users();
    out["items"] = data.log.num_items();
    out["events"] = data.log.size();
    double best = -1;
    for_each_baseline(task, true, [&](const char* model_name, double seconds, const auto& model) {
      const auto evaluation =
          heed::recsys::evaluate(task.log(), task.split(), heed::recsys::ranker(model), task.evaluation());
      json test = figures(evaluation);
      test["auc"] = mean_auc(task, heed::recsys::candidate_scorer(model));
      out["models"].push_back({{"name", model_name}, {"test", test}, {"seconds", seconds}});
      const double ndcg = evaluation.all.mean().ndcg;
      if (!task.options().next_basket || ndcg <= best) return;
      best = ndcg;
      out["best"] = {{"name", model_name}, {"ndcg_of_users", evaluation.all.ndcg}};
    });
    write(path, out.dump(1) + "\n");
    return out;
  }

  /// Nothing when `go_on` ended it.
  std::optional<std::string> page(const std::function<bool()>& go_on) {
    std::string out = introduction_ + "\n";
    for (auto& [name, data] : data_) {
      if (!go_on()) return std::nullopt;
      out += "\n## " + data.title + "\n\n";
      const auto counted = baselines(data);
      out += counted ? tables(name, data.protocol, *counted) : "Not measured: the log was not there.\n";
    }
    return out;
  }

  std::string tables(const std::string& name, const std::string& protocol, const json& counted) const {
    Table ranking{{"model", "HR@10", "NDCG@10", "MRR@10", "coverage", "seeds", "best epoch", "s an epoch", "s in all",
                   "published"},
                  {}};
    Table clicks{{"model", "AUC", "seeds"}, {}},
        deletion{{"model", "the most weighed", "another", "difference", "seeds"}, {}};
    Table costs{{"model"}, {}};
    for (const auto& [phase, seconds] : phases({})) costs.header.push_back(phase);
    costs.header.push_back("seeds");
    bool has_clicks = false;
    std::string training;  // of the first run, then what the others do otherwise
    std::vector<std::string> usual;
    const auto add = [&](const std::string& model, const std::vector<json>& done, const std::string& published) {
      const auto figure = [&](const char* at, int digits) { return mean_and_spread(column(done, at), digits); };
      const auto mean = [&](const std::string& at, int digits) {
        const auto values = column(done, at);
        return values.empty() ? "" : fixed(mean_of(values), digits);
      };
      // A file may be older than a figure. What counts alone has no seed.
      const auto seeds = [&](const char* at) {
        return done.front().contains("seed") ? std::to_string(column(done, at).size()) : "";
      };
      if (!column(done, "/test/hit_rate").empty()) {
        ranking.rows.push_back({model + above_best(done, counted), figure("/test/hit_rate", 4), figure("/test/ndcg", 4),
                                figure("/test/mrr", 4), mean("/test/coverage", 3), seeds("/test/hit_rate"),
                                mean("/best_epoch", 0), seconds_an_epoch(done), mean("/seconds", 1), published});
      }
      if (!column(done, "/test/auc").empty())
        clicks.rows.push_back({model, figure("/test/auc", 4), seeds("/test/auc")});
      if (!column(done, "/deletion/other").empty()) {
        deletion.rows.push_back({model, mean("/deletion/most_weighed", 4), mean("/deletion/other", 4),
                                 mean("/deletion/difference/0", 4) + " [" + mean("/deletion/difference/1", 4) + ", " +
                                     mean("/deletion/difference/2", 4) + "]",
                                 seeds("/deletion/other")});
      }
      if (column(done, "/seconds_an_epoch/forward").empty()) return;
      costs.rows.push_back({model});
      for (const auto& [phase, seconds] : phases({})) {
        costs.rows.back().push_back(mean(std::string("/seconds_an_epoch/") + phase, 2));
      }
      costs.rows.back().push_back(seeds("/seconds_an_epoch/forward"));
    };
    for (const json& one : counted.at("models")) add(text(one, "name"), {one}, "");
    for (const Run& run : runs_) {
      if (run.data != name) continue;
      has_clicks = has_clicks || std::holds_alternative<ClickConfiguration>(run.configuration);
      const auto done = results_of(run);
      if (done.empty()) continue;
      add(run.name, done, run.published);
      const auto recipe = recipe_of(run.options.at("training"));
      std::string other;
      for (std::size_t i = 0; i < recipe.size(); ++i) {
        if (usual.empty() || recipe[i] != usual[i]) other += (other.empty() ? "" : ", ") + recipe[i];
      }
      if (!other.empty()) training += usual.empty() ? " Training: " + other : "; " + run.name + ": " + other;
      if (usual.empty()) usual = recipe;
    }
    std::string out =
        heed::message(counted.at("users"), " users, ", counted.at("items"), " items, ", counted.at("events"),
                      " events. ", protocol, training, training.empty() ? "" : ".", "\n\n", ranking.markdown());
    if (has_clicks) {
      out +=
          "\nWould the user take this item? The area under the ROC curve of each held-out item among 100 that the "
          "user\n"
          "has not taken, drawn alike, the same for every model:\n\n" +
          clicks.markdown();
    }
    if (!costs.rows.empty())
      out +=
          "\nWhat the seconds of an epoch went to, mean over epochs and seeds; full cross-entropy makes its gradients "
          "in the forward\npass:\n\n" +
          costs.markdown();
    if (!deletion.rows.empty()) {
      out +=
          "\nAre the weights reasons? By how much the probabilities of the ten recommended items move in all when the\n"
          "most weighed item of a history is deleted, and when another one is; 500 users, means over seeds, also of "
          "the\n"
          "ends of the 95 % intervals:\n\n" +
          deletion.markdown();
    }
    return out;
  }

  static std::vector<std::string> recipe_of(const json& training) {
    const auto epochs = training.at("max_epochs"), patience = training.at("patience");
    return {heed::message("batches of ", training.at("batch_size")),
            heed::message("rate ", training.at("learning_rate"), training.at("decay") == "cosine" ? " (cosine)" : ""),
            patience < epochs ? heed::message("at most ", epochs, " epochs, patience ", patience)
                              : heed::message(epochs, " epochs")};
  }

  /// What is there of a run: a file a seed.
  std::vector<json> results_of(const Run& run) const {
    std::vector<json> out;
    for (int seed = 1; seed <= std::max(seeds_of(run), run.seeds); ++seed) {
      if (auto result = result_of(run, seed)) out.push_back(std::move(*result));
    }
    return out;
  }
  /// A figure of those that have it.
  static std::vector<double> column(const std::vector<json>& done, const std::string& pointer) {
    std::vector<double> out;
    const json::json_pointer at(pointer);
    for (const json& one : done) {
      if (one.contains(at)) out.push_back(one.at(at).get<double>());
    }
    return out;
  }
  static double mean_of(const std::vector<double>& values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  }
  static std::string mean_and_spread(const std::vector<double>& values, int digits) {
    if (values.empty()) return "";
    const double mean = mean_of(values), n = static_cast<double>(values.size());
    double square = 0;
    for (const double value : values) square += (value - mean) * (value - mean);
    return fixed(mean, digits) + (n > 1 ? " ± " + fixed(std::sqrt(square / (n - 1)), digits) : "");
  }
  /// Of training and validation.
  static std::string seconds_an_epoch(const std::vector<json>& done) {
    std::vector<double> seconds;
    for (const json& one : done) {
      if (!one.contains("epochs")) return "";
      std::vector<double> epochs;
      for (const json& epoch : one.at("epochs"))
        epochs.push_back(epoch.at(2).get<double>() + epoch.at(3).get<double>());
      seconds.push_back(mean_of(epochs));
    }
    return fixed(mean_of(seconds), 1);
  }
  /// How far a model is above the best of what counts alone, where users were kept to pair.
  static std::string above_best(const std::vector<json>& done, const json& counted) {
    std::vector<std::vector<double>> kept;
    for (const json& one : done) {
      if (one.contains("ndcg_of_users")) kept.push_back(one.at("ndcg_of_users"));
    }
    if (!counted.contains("best") || kept.empty()) return "";
    std::vector<double> of_users(kept.front().size());
    for (const auto& users : kept) {
      for (std::size_t i = 0; i < users.size(); ++i) of_users.at(i) += users[i] / static_cast<double>(kept.size());
    }
    const json& best = counted.at("best");
    const auto difference =
        heed::recsys::paired_bootstrap(of_users, best.at("ndcg_of_users").get<std::vector<double>>(), heed::Random(1));
    return " (" + interval(difference) + " over " + text(best, "name") + ")";
  }

  Options options_;
  heed::Executor& executor_;
  std::string introduction_;
  std::map<std::string, Data> data_;
  std::vector<Run> runs_;
};
