// SPDX-License-Identifier: Apache-2.0
// The measurements of `recommend benchmark`: one run of the plan or the baselines of a data set, as JSON for its file.
#pragma once

#include <cstdio>
#include <heed/nn/init.hpp>
#include <heed/recsys/candidate_scorer.hpp>
#include <heed/recsys/comparison.hpp>
#include <heed/recsys/deletion_test.hpp>
#include <heed/recsys/models/din.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "benchmark_results.hpp"
#include "commit.hpp"
#include "configuration_options.hpp"
#include "interrupt.hpp"
#include "progress.hpp"

inline nlohmann::json figures(const heed::recsys::Evaluation& evaluation) {
  const auto mean = evaluation.all.mean();
  return {{"hit_rate", mean.hit_rate},
          {"recall", mean.recall},
          {"ndcg", mean.ndcg},
          {"mrr", mean.mrr},
          {"coverage", evaluation.coverage}};
}

/// Measures the baselines (some take minutes) and the size of the log.
inline nlohmann::json measured_baselines(const DataSet& data, const heed::recsys::Task& task) {
  nlohmann::json out{{"data", data.key},
                     {"commit", built_from_commit()},
                     {"users", task.log().num_users()},
                     {"items", task.log().num_items()},
                     {"events", task.log().size()}};
  double best = -1;
  heed::recsys::for_each_baseline(task, true, [&](const char* name, double seconds, const auto& model) {
    const auto evaluation =
        heed::recsys::evaluate(task.log(), task.split(), heed::recsys::ScoreRanker(model), task.evaluation());
    auto test = figures(evaluation);
    test["auc"] = heed::recsys::mean_auc(task, heed::recsys::candidate_scorer(model));
    out["models"].push_back({{"name", name}, {"test", test}, {"seconds", seconds}});
    const double ndcg = evaluation.all.mean().ndcg;
    if (!task.options().next_basket || ndcg <= best) return;
    best = ndcg;
    out["best"] = {{"name", name}, {"ndcg_of_users", evaluation.all.ndcg}};
  });
  return out;
}

/// Trains a model and fills the JSON of its file.
class BenchmarkRun {
 public:
  using json = nlohmann::json;

  BenchmarkRun(const heed::data::Interactions& log, int seed, const CheckpointOptions& checkpoints,
               heed::Executor& executor)
      : log_(log), seed_(static_cast<std::uint64_t>(seed)), checkpoints_{checkpoints}, executor_(executor) {}

  /// The name of the folder of checkpoints of a run.
  static std::string folder_of(const Run& run, int seed) {
    return run.data + "." + run.name + ".seed" + std::to_string(seed);  // names have no dots
  }

  /// Empty when Ctrl-C ended it.
  std::optional<json> operator()(const Run& run, const DataSet& data) {
    out_ = Results::identity(run, data, static_cast<int>(seed_));
    checkpoints_.name = folder_of(run, static_cast<int>(seed_));
    checkpoints_.run = out_;
    if (!checkpoints_.options.folder.empty()) checkpoints_.run["log"] = heed::data::fingerprint(log_);
    out_.update({{"threads", executor_.threads()},
                 {"heed", heed::version()},
                 {"commit", built_from_commit()},
                 {"isa", heed::isa()}});
    if (!std::visit([&](const auto& configuration) { return train(configuration); }, run.configuration)) return {};
    return std::move(out_);
  }

 private:
  /// Both overloads return false when Ctrl-C ended the training.
  bool train(const Configuration& configuration) {
    const heed::recsys::Task task(log_, configuration.task);
    auto model = model_of(configuration, task.catalogue());
    if (!fit(model, task, configuration.training, {})) return false;
    const heed::Index length = configuration.task.max_length;
    heed::recsys::BatchRanker ranker(model, {.max_length = length, .executor = &executor_});
    const auto evaluation = heed::recsys::evaluate(log_, task.split(), ranker, task.evaluation());
    out_["test"] = figures(evaluation);
    heed::recsys::CandidateScorer scorer(model, {.max_length = length, .executor = &executor_});
    out_["test"]["auc"] = heed::recsys::mean_auc(task, scorer);
    if (task.options().next_basket) out_["ndcg_of_users"] = evaluation.all.ndcg;  // for paired intervals
    // The same histories for every seed and model.
    const heed::Random random = heed::Random(1).fork("deletion test");
    heed::Tape<float> tape({.record = false, .executor = &executor_});
    const auto deleted = heed::recsys::deletion_test(
        model, tape, heed::recsys::sample_users(task, random, 500), random,
        {.k = task.options().k, .max_length = length, .keep_history = task.options().keeps_history()});
    if (deleted.histories > 0) {
      out_["deletion"] = {{"histories", deleted.histories},
                          {"most_weighed", deleted.most_weighed},
                          {"other", deleted.other},
                          {"difference", {deleted.difference.mean, deleted.difference.low, deleted.difference.high}}};
    }
    return true;
  }

  bool train(const ClickConfiguration& configuration) {
    const heed::recsys::Task task(log_, configuration.task);
    auto model = model_of(configuration, task.catalogue());
    heed::recsys::CandidateScorer scorer(model, {.max_length = configuration.task.max_length, .executor = &executor_});
    heed::recsys::TrainHooks hooks;
    hooks.validate = [&] { return heed::recsys::mean_auc(task, scorer, heed::recsys::HeldOut::validation); };
    if (!fit(model, task, configuration.training, std::move(hooks))) return false;
    out_["test"]["auc"] = heed::recsys::mean_auc(task, scorer);
    return true;
  }

  template <heed::recsys::Recommender Model>
  bool fit(Model& model, const heed::recsys::Task& task, const heed::recsys::TrainOptions& options,
           heed::recsys::TrainHooks hooks) {
    heed::nn::initialize(model, heed::Random(seed_).fork("weights"));
    hooks.on_step = [](const heed::recsys::TrainProgress&) { return !interrupted(); };
    hooks.on_epoch = [&](const heed::recsys::EpochReport& done) {
      std::printf("epoch %3td  loss %.4f  validation %.4f%s  %.1f s + %.1f s\n", done.epoch, done.loss, done.validation,
                  done.best ? " (best)" : "", done.seconds.training(), done.seconds.validation);
      std::fflush(stdout);
      return true;
    };
    const Training training = fit_from_seed(model, task, options, seed_, executor_, std::move(hooks), checkpoints_);
    if (training.report.interrupted) return false;
    json epochs = json::array();  // loss, validation, seconds, seconds of validation
    for (const heed::recsys::EpochReport& done : training.report.epochs) {
      epochs.push_back({done.loss, done.validation, done.seconds.training(), done.seconds.validation});
    }
    out_["seconds"] = training.seconds;
    out_["epochs"] = std::move(epochs);
    for (const auto& [phase, seconds] : mean_phases(training.report.epochs)) out_["seconds_an_epoch"][phase] = seconds;
    out_["best_epoch"] = training.report.best_epoch;
    out_["validation"] = training.best_validation();
    out_["parameters"] = heed::nn::parameter_count(model);
    return true;
  }

  const heed::data::Interactions& log_;
  std::uint64_t seed_;
  Checkpoints checkpoints_;
  heed::Executor& executor_;
  json out_;
};
