// SPDX-License-Identifier: Apache-2.0
// The models of `recommend compare`, and the measurement of one of them.
#pragma once

#include <cstdio>
#include <heed/nn/init.hpp>
#include <heed/recsys/comparison.hpp>
#include <string>
#include <utility>
#include <vector>

#include "configuration_options.hpp"
#include "customer.hpp"
#include "progress.hpp"

struct Variant {
  const char* name;
  const char* encoder;
  nlohmann::json set;  ///< see heed::io::change
};

inline std::vector<Variant> variants() {
  const auto attention = [](const char* kind, bool pointer) {
    return nlohmann::json{{"encoder", {{"attention", kind}}}, {"recommender", {{"pointer", pointer}}}};
  };
  return {{"LSTM", "attention", attention("none", false)},
          {"LSTM, repeat head", "attention", attention("none", true)},
          {"LSTM, additive attention", "attention", attention("additive", false)},
          {"additive attention, repeat head", "attention", attention("additive", true)},
          {"multi-head attention, repeat head", "attention", attention("multi_head", true)},
          {"target attention, repeat head", "attention", attention("target", true)},
          {"GRU4Rec, repeat head", "gru4rec", {}},
          {"NARM, repeat head", "narm", {}},
          {"SASRec, repeat head", "sasrec", {}},
          {"LiGR, repeat head", "ligr", {}},
          {"HSTU, repeat head", "hstu", {}}};
}

/// Settings of the command line that apply to every variant.
struct Limits {
  Index max_epochs = 0, max_length = 0;  ///< 0: as in the preset
  double learners = 1;                   ///< share of training users
  bool keep_history = false;             ///< as in the task
};

/// Trains from every seed and averages the costs; appends a curve per training to `curves`.
inline heed::recsys::Measured measure(const Variant& variant, const heed::data::Interactions& log, bool next_basket,
                                      const Limits& limits, std::span<const std::uint64_t> seeds,
                                      heed::Executor& executor, std::vector<Curve>* curves = nullptr) {
  Configuration configuration = preset(variant.encoder, next_basket);
  nlohmann::json set{{"task", {{"learners", limits.learners}, {"keep_history", limits.keep_history}}}};
  if (!variant.set.is_null()) set.update(variant.set);
  if (limits.max_epochs > 0) set["training"]["max_epochs"] = limits.max_epochs;
  if (limits.max_length > 0) set["task"]["max_length"] = limits.max_length;
  change(set, configuration);
  const heed::recsys::Task task(log, configuration.task);
  heed::recsys::Measured out{variant.name, {}};
  for (const std::uint64_t seed : seeds) {
    std::printf("\n%s, seed %llu\n", variant.name, static_cast<unsigned long long>(seed));
    Model model = model_of(configuration, task.catalogue());
    heed::nn::initialize(model, heed::Random(seed).fork("weights"));
    Progress progress;
    heed::recsys::TrainHooks hooks;
    hooks.on_step = [&](const heed::recsys::TrainProgress& at) {
      progress.step(at);
      return true;
    };
    hooks.on_epoch = [&](const heed::recsys::EpochReport& done) {
      progress.epoch(done, "validation NDCG@10");
      return true;
    };
    Training training = fit_from_seed(model, task, configuration.training, seed, executor, hooks);
    out.training_seconds += training.seconds / static_cast<double>(seeds.size());
    if (curves) {
      const std::string which = seeds.size() > 1 ? ", seed " + std::to_string(seed) : "";
      curves->push_back({variant.name + which, std::move(training.report)});
    }

    heed::recsys::BatchRanker<Model> ranker(model,
                                            {.max_length = configuration.task.max_length, .executor = &executor});
    const heed::Stopwatch scoring_watch;
    out.evaluations.push_back(heed::recsys::evaluate(task.log(), task.split(), ranker, task.evaluation()));
    out.scoring_seconds += scoring_watch.seconds() / static_cast<double>(seeds.size());
    const auto parameter_bytes = static_cast<double>(heed::nn::parameter_count(model)) * sizeof(float);
    out.megabytes = (parameter_bytes + static_cast<double>(ranker.capacity())) / 1e6;
  }
  return out;
}
