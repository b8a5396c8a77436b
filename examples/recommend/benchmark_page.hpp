// SPDX-License-Identifier: Apache-2.0
// The page of `recommend benchmark`: one section per data set, written from the files of results.
#pragma once

#include <heed/io/comparison.hpp>
#include <heed/recsys/statistics.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <variant>
#include <vector>

#include "benchmark_results.hpp"
#include "progress.hpp"

/// The figure at `pointer` of every run that has it.
inline std::vector<double> column(const std::vector<nlohmann::json>& done, const std::string& pointer) {
  std::vector<double> out;
  const nlohmann::json::json_pointer at(pointer);
  for (const nlohmann::json& one : done) {
    if (one.contains(at)) out.push_back(one.at(at).get<double>());
  }
  return out;
}
/// `0.3161 ± 0.0023`; empty without values.
inline std::string mean_and_spread(const std::vector<double>& values, int digits) {
  if (values.empty()) return "";
  const std::string spread = heed::io::fixed(heed::recsys::standard_deviation(values), digits);
  return heed::io::fixed(heed::recsys::mean(values), digits) + (values.size() > 1 ? " ± " + spread : "");
}
/// The mean seconds of training and validation per epoch; empty when a run has no epochs (baselines).
inline std::string seconds_an_epoch(const std::vector<nlohmann::json>& done) {
  std::vector<double> seconds;
  for (const nlohmann::json& one : done) {
    if (!one.contains("epochs")) return "";
    std::vector<double> epochs;
    for (const nlohmann::json& epoch : one.at("epochs"))
      epochs.push_back(epoch.at(2).get<double>() + epoch.at(3).get<double>());
    seconds.push_back(heed::recsys::mean(epochs));
  }
  return heed::io::fixed(heed::recsys::mean(seconds), 1);
}
/// The difference to the best baseline in NDCG; empty unless NDCG per user, which the bootstrap requires, is stored.
inline std::string above_best(const std::vector<nlohmann::json>& done, const nlohmann::json& counted) {
  std::vector<std::vector<double>> kept;
  for (const nlohmann::json& one : done) {
    if (one.contains("ndcg_of_users")) kept.push_back(one.at("ndcg_of_users"));
  }
  if (!counted.contains("best") || kept.empty()) return "";
  std::vector<double> of_users(kept.front().size());
  for (const auto& users : kept) {
    for (std::size_t i = 0; i < users.size(); ++i) of_users.at(i) += users[i] / static_cast<double>(kept.size());
  }
  const nlohmann::json& best = counted.at("best");
  const auto difference =
      heed::recsys::paired_bootstrap(of_users, best.at("ndcg_of_users").get<std::vector<double>>(), heed::Random(1));
  return " (" + heed::io::interval(difference) + " over " + best.at("name").get<std::string>() + ")";
}

/// Batch size, learning rate and number of epochs of a run, as text.
inline std::vector<std::string> recipe_of(const nlohmann::json& training) {
  const auto epochs = training.at("max_epochs"), patience = training.at("patience");
  return {heed::message("batches of ", training.at("batch_size")),
          heed::message("rate ", training.at("learning_rate"), training.at("decay") == "cosine" ? " (cosine)" : ""),
          patience < epochs ? heed::message("at most ", epochs, " epochs, patience ", patience)
                            : heed::message(epochs, " epochs")};
}

/// The section of one data set: its baselines (`counted`) and the results of its runs.
inline std::string tables(const Plan& plan, const DataSet& data, const Results& results, int most_seeds,
                          const nlohmann::json& counted) {
  heed::io::Table ranking{{"model", "HR@10", "NDCG@10", "MRR@10", "coverage", "seeds", "best epoch", "s per epoch",
                           "s in total", "published"},
                          {}};
  heed::io::Table clicks{{"model", "AUC", "seeds"}, {}},
      deletion{{"model", "largest weight", "other item", "difference", "seeds"}, {}};
  heed::io::Table costs{{"model"}, {}};
  for (const auto& [phase, seconds] : phases({})) costs.header.push_back(phase);
  costs.header.push_back("seeds");
  bool has_clicks = false;
  std::string training;  // of the first run, then the differences of the others
  std::vector<std::string> usual;
  const auto add = [&](const std::string& model, const std::vector<nlohmann::json>& done,
                       const std::string& published) {
    const auto figure = [&](const char* at, int digits) { return mean_and_spread(column(done, at), digits); };
    const auto mean = [&](const std::string& at, int digits) {
      const auto values = column(done, at);
      return values.empty() ? "" : heed::io::fixed(heed::recsys::mean(values), digits);
    };
    // An older file may lack a figure. Baselines have no seed.
    const auto seeds = [&](const char* at) {
      return done.front().contains("seed") ? std::to_string(column(done, at).size()) : "";
    };
    if (!column(done, "/test/hit_rate").empty()) {
      ranking.rows.push_back({model + above_best(done, counted), figure("/test/hit_rate", 4), figure("/test/ndcg", 4),
                              figure("/test/mrr", 4), mean("/test/coverage", 3), seeds("/test/hit_rate"),
                              mean("/best_epoch", 0), seconds_an_epoch(done), mean("/seconds", 1), published});
    }
    if (!column(done, "/test/auc").empty()) clicks.rows.push_back({model, figure("/test/auc", 4), seeds("/test/auc")});
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
  for (const nlohmann::json& one : counted.at("models")) add(one.at("name").get<std::string>(), {one}, "");
  for (const Run& run : plan.runs) {
    if (run.data != data.name) continue;
    has_clicks = has_clicks || std::holds_alternative<ClickConfiguration>(run.configuration);
    const auto done = results.find_all(run, data, most_seeds);
    if (done.empty()) continue;
    add(run.title, done, run.published);
    const auto recipe = recipe_of(run.options.at("training"));
    std::string other;
    for (std::size_t i = 0; i < recipe.size(); ++i) {
      if (usual.empty() || recipe[i] != usual[i]) other += (other.empty() ? "" : ", ") + recipe[i];
    }
    if (!other.empty()) training += usual.empty() ? " Training: " + other : "; " + run.title + ": " + other;
    if (usual.empty()) usual = recipe;
  }
  std::string out =
      heed::message(counted.at("users"), " users, ", counted.at("items"), " items, ", counted.at("events"), " events. ",
                    data.protocol, training, training.empty() ? "" : ".", "\n\n", ranking.markdown());
  if (has_clicks) {
    out +=
        "\nClick prediction: the area under the ROC curve of each held-out item against 100 items that the user has "
        "not\ntaken, sampled uniformly, the same for every model:\n\n" +
        clicks.markdown();
  }
  if (!costs.rows.empty())
    out +=
        "\nSeconds per epoch by phase, mean over epochs and seeds; full cross-entropy computes its gradients in the "
        "forward\npass:\n\n" +
        costs.markdown();
  if (!deletion.rows.empty()) {
    out +=
        "\nDeletion test of explanations: the total change of the ten recommended items' probabilities when the item "
        "with\nthe largest attention weight is deleted from the history, and when another item is deleted; 500 users, "
        "means\nover seeds, also of the bounds of the 95 % intervals:\n\n" +
        deletion.markdown();
  }
  return out;
}
