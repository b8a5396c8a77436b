// SPDX-License-Identifier: Apache-2.0
// The article's claim, put to the test: does attention help, and does it help on long histories? Trains the traditional
// models, an LSTM without attention and three kinds of attention on the same split, and prints them side by side.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <heed/nn/init.hpp>
#include <heed/recsys/models/attention_recommender.hpp>
#include <heed/recsys/task.hpp>
#include <string>
#include <vector>

#include "comparison.hpp"
#include "log_file.hpp"
#include "progress.hpp"
#include "threads.hpp"

namespace {

using heed::Index;
using heed::recsys::AttentionKind;
using Model = heed::recsys::AttentionRecommender<float>;

struct Variant {
  const char* name;
  AttentionKind attention;
  bool pointer;  ///< the repeat-aware head, itself an attention over the history
};

constexpr Variant variants[] = {{"LSTM", AttentionKind::none, false},
                                {"LSTM, repeat head", AttentionKind::none, true},
                                {"LSTM, additive attention", AttentionKind::additive, false},
                                {"additive attention, repeat head", AttentionKind::additive, true},
                                {"multi-head attention, repeat head", AttentionKind::multi_head, true},
                                {"target attention, repeat head", AttentionKind::target, true}};

Measured measure(const Variant& variant, const heed::recsys::Task& task, heed::recsys::TrainOptions training,
                 std::span<const std::uint64_t> seeds, heed::Executor& executor) {
  Measured out{variant.name, {}};
  for (const std::uint64_t seed : seeds) {
    std::printf("\n%s, seed %llu\n", variant.name, static_cast<unsigned long long>(seed));
    heed::recsys::AttentionRecommenderOptions options;
    options.num_items = task.log().num_items();
    options.attention = variant.attention;
    options.pointer = variant.pointer;
    Model model(options);
    heed::nn::initialize(model, heed::Random(seed).fork("weights"));
    training.random = heed::Random(seed).fork("training");
    training.executor = &executor;
    Progress progress;
    heed::recsys::TrainHooks hooks;
    hooks.on_step = [&](const heed::recsys::TrainProgress& at) {
      progress.step(at);
      return true;
    };
    hooks.on_epoch = [&](const heed::recsys::EpochReport& done) { progress.epoch(done, "validation NDCG@10"); };
    const Stopwatch training_watch;
    heed::recsys::fit(model, task, training, hooks);
    out.training_seconds += training_watch.seconds() / static_cast<double>(seeds.size());

    heed::recsys::BatchRanker<Model> ranker(model, {.max_length = task.options().max_length, .executor = &executor});
    const Stopwatch scoring_watch;
    out.evaluations.push_back(ranker.evaluate(task.log(), task.split(), task.evaluation()));
    out.scoring_seconds += scoring_watch.seconds() / static_cast<double>(seeds.size());
    const auto parameter_bytes = static_cast<double>(heed::nn::parameter_count(model)) * sizeof(float);
    out.megabytes = (parameter_bytes + static_cast<double>(ranker.capacity())) / 1e6;
  }
  return out;
}

/// NDCG@10 by the length of the history, and what it costs.
Table lengths_and_costs(const std::vector<Measured>& models) {
  Table table{{"model"}, {}};
  const auto groups = heed::recsys::by_history_length(models.front().evaluations.front());
  for (const auto& group : groups) {
    table.header.push_back(std::to_string(group.shortest) + "-" + std::to_string(group.longest) + " items");
  }
  table.header.insert(table.header.end(), {"training s", "scoring us a user", "MB"});
  for (const Measured& model : models) {
    std::vector<std::string> row{model.name};
    for (std::size_t g = 0; g < groups.size(); ++g) {
      row.push_back(fixed(model.mean([g](const heed::recsys::Evaluation& evaluation) {
        return heed::recsys::by_history_length(evaluation)[g].metrics.mean().ndcg;
      }),
                          4));
    }
    const auto users = static_cast<double>(model.evaluations.front().users.size());
    row.push_back(fixed(model.training_seconds, 1));
    row.push_back(fixed(1e6 * model.scoring_seconds / users, 0));
    row.push_back(model.megabytes > 0 ? fixed(model.megabytes, 1) : "-");
    table.rows.push_back(row);
  }
  return table;
}

/// a - b in NDCG@10 on the users of one group of history lengths.
heed::recsys::MeanDifference on_group(const Measured& a, const Measured& b, std::size_t group, heed::Random random) {
  const auto per_user = [group](const Measured& model) {
    std::vector<double> mean;
    for (const auto& evaluation : model.evaluations) {
      const auto ndcg = heed::recsys::by_history_length(evaluation)[group].metrics.ndcg;
      mean.resize(ndcg.size());
      for (std::size_t i = 0; i < ndcg.size(); ++i) mean[i] += ndcg[i] / static_cast<double>(model.evaluations.size());
    }
    return mean;
  };
  return heed::recsys::paired_bootstrap(per_user(a), per_user(b), random);
}

/// The answer, whichever way the numbers fall: the interval decides.
void print_verdict(const char* question, const Measured& with, const Measured& without, heed::Random random) {
  std::printf("\n%s\n", question);
  const char* names[] = {"short", "middle", "long"};
  for (std::size_t group = 0; group < 3; ++group) {
    const auto difference = on_group(with, without, group, random);
    const char* verdict = difference.low > 0    ? "yes"
                          : difference.high < 0 ? "no, it harms"
                                                : "no difference to be seen";
    std::printf("  on %-6s histories: %-24s  NDCG@10 %s\n", names[group], verdict, interval(difference).c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compares recommenders with and without attention on one split");
  LogFile file;
  heed::recsys::TrainOptions training = default_training();
  heed::recsys::TaskOptions task_options;
  std::uint64_t first_seed = 1;
  int seeds = 1, threads = 0;
  file.data = "examples/data/baskets.tsv";
  file.add_options(app, false);
  app.add_option("--seed", first_seed)->capture_default_str();
  app.add_option("--seeds", seeds, "Train each this many times; figures are means")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--epochs", training.max_epochs, "At most")->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--max-length", task_options.max_length, "Events of a history that a neural model sees")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--threads", threads, "0: all of the machine's")->check(CLI::NonNegativeNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    const auto executor = make_executor(threads);
    std::printf("heed %s, instruction set %s, %d threads\n", heed::version(), heed::isa(), executor->threads());
    const auto log = file.read();
    const heed::recsys::Task task(log, task_options);
    std::vector<std::uint64_t> all_seeds;
    for (int s = 0; s < seeds; ++s) all_seeds.push_back(first_seed + static_cast<std::uint64_t>(s));

    std::vector<Measured> models = measure_baselines(task);
    const std::size_t baselines = models.size();
    if (models.front().evaluations.front().users.size() < 3) {
      heed::fail<heed::OptionError>("compare_models", "fewer than three users to test with");
    }
    for (const Variant& variant : variants) models.push_back(measure(variant, task, training, all_seeds, *executor));

    const Index k = task_options.k;
    std::printf("\nTest, %zu users:\n", models.front().evaluations.front().users.size());
    metrics_table(models, k).print();
    std::printf("\nNDCG@%td by the length of the history, and costs:\n", k);
    lengths_and_costs(models).print();

    const heed::Random random = heed::Random(first_seed).fork("bootstrap");
    const auto& lstm = models[baselines];
    const auto& lstm_repeat = models[baselines + 1];
    print_verdict("Does additive attention help the LSTM?", models[baselines + 2], lstm, random);
    print_verdict("Does the repeat head, an attention that points, help the LSTM?", lstm_repeat, lstm, random);
    for (std::size_t i = baselines + 3; i < models.size(); ++i) {
      print_verdict(("Does it help beside the repeat head: " + models[i].name + "?").c_str(), models[i], lstm_repeat,
                    random);
    }
  } catch (const heed::Error& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "compare_models: %s\n", error.what());
    return 1;
  }
  return 0;
}
