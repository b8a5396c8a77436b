// SPDX-License-Identifier: Apache-2.0
// The article's claim, put to the test: does attention help, and does it help on long histories? Trains the traditional
// models, an LSTM without attention and every kind of attention on the same split, and prints them side by side.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <heed/io/atomic_file.hpp>
#include <heed/io/report.hpp>
#include <heed/nn/init.hpp>
#include <heed/recsys/task.hpp>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "comparison.hpp"
#include "../configuration.hpp"
#include "../log_file.hpp"
#include "progress.hpp"
#include "../threads.hpp"

namespace {

using heed::Index;
using Model = heed::recsys::AnyRecommender<float>;

constexpr const char* introduction =
    "# What attention is worth\n\n"
    "The questions that the article on attention in recommenders leaves open: does attention help an LSTM, and\n"
    "on long histories; what is left of it when there is little to learn from, or when users are new; what do\n"
    "longer histories cost and bring. Made by `compare_models`; an answer is yes or no where the 95 % interval of\n"
    "a paired bootstrap over the users leaves zero out (one in twenty does by chance). Short, middle and long:\n"
    "thirds of the users by the length of their history. Seconds are wall time.\n\n";

struct Variant {
  const char* name;
  const char* encoder;
  nlohmann::json set;  ///< see change
};

std::vector<Variant> variants() {
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

/// What the command line may change of every variant.
struct Limits {
  Index max_epochs = 0, max_length = 0;  ///< 0: as preset
  double learners = 1;                   ///< share of the users
};

/// Trains from every seed; `curves` get what that looked like.
Measured measure(const Variant& variant, const heed::data::Interactions& log, bool next_basket, const Limits& limits,
                 std::span<const std::uint64_t> seeds, heed::Executor& executor, std::vector<Curve>* curves = nullptr) {
  Configuration configuration = preset(variant.encoder, next_basket);
  nlohmann::json set{{"task", {{"learners", limits.learners}}}};
  if (!variant.set.is_null()) set.update(variant.set);
  if (limits.max_epochs > 0) set["training"]["max_epochs"] = limits.max_epochs;
  if (limits.max_length > 0) set["task"]["max_length"] = limits.max_length;
  change(set, configuration);
  const heed::recsys::Task task(log, configuration.task);
  Measured out{variant.name, {}};
  for (const std::uint64_t seed : seeds) {
    std::printf("\n%s, seed %llu\n", variant.name, static_cast<unsigned long long>(seed));
    Model model = model_of(configuration, log);
    heed::nn::initialize(model, heed::Random(seed).fork("weights"));
    auto training = configuration.training;
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
    auto report = heed::recsys::fit(model, task, training, hooks);
    out.training_seconds += training_watch.seconds() / static_cast<double>(seeds.size());
    if (curves) {
      const std::string which = seeds.size() > 1 ? ", seed " + std::to_string(seed) : "";
      curves->push_back({variant.name + which, std::move(report)});
    }

    heed::recsys::BatchRanker<Model> ranker(model,
                                            {.max_length = configuration.task.max_length, .executor = &executor});
    const Stopwatch scoring_watch;
    out.evaluations.push_back(ranker.evaluate(task.log(), task.split(), task.evaluation()));
    out.scoring_seconds += scoring_watch.seconds() / static_cast<double>(seeds.size());
    const auto parameter_bytes = static_cast<double>(heed::nn::parameter_count(model)) * sizeof(float);
    out.megabytes = (parameter_bytes + static_cast<double>(ranker.capacity())) / 1e6;
  }
  return out;
}

/// Over the users with at most three events, of whom there are some.
double ndcg_of_the_new(const heed::recsys::Evaluation& evaluation) {
  double sum = 0, count = 0;
  for (std::size_t i = 0; i < evaluation.lengths.size(); ++i) {
    if (evaluation.lengths[i] > 3) continue;
    sum += evaluation.all.ndcg[i];
    ++count;
  }
  return sum / count;
}

/// NDCG@10 by the length of the history, and what it costs.
Table lengths_and_costs(const std::vector<Measured>& models) {
  Table table{{"model"}, {}};
  const auto groups = heed::recsys::by_history_length(models.front().evaluations.front());
  std::vector<std::size_t> filled;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    if (groups[g].metrics.size() == 0) continue;
    filled.push_back(g);
    table.header.push_back(std::to_string(groups[g].shortest) + "-" + std::to_string(groups[g].longest) + " items");
  }
  const auto& lengths = models.front().evaluations.front().lengths;
  const bool has_new = *std::min_element(lengths.begin(), lengths.end()) <= 3;
  if (has_new) table.header.push_back("at most 3");
  table.header.insert(table.header.end(), {"training s", "scoring us a user", "MB"});
  for (const Measured& model : models) {
    std::vector<std::string> row{model.name};
    for (const std::size_t g : filled) {
      row.push_back(fixed(model.mean([g](const heed::recsys::Evaluation& evaluation) {
        return heed::recsys::by_history_length(evaluation)[g].metrics.mean().ndcg;
      }),
                          4));
    }
    if (has_new) row.push_back(fixed(model.mean(ndcg_of_the_new), 4));
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
void add_verdicts(Table& verdicts, const Measured& with, const Measured& without, heed::Random random) {
  const char* names[] = {"short", "middle", "long"};
  const auto groups = heed::recsys::by_history_length(with.evaluations.front());
  for (std::size_t group = 0; group < 3; ++group) {
    if (groups[group].metrics.size() == 0) continue;
    const auto difference = on_group(with, without, group, random);
    const char* verdict = difference.low > 0 ? "yes" : difference.high < 0 ? "no, worse" : "no difference to be seen";
    verdicts.rows.push_back({with.name, without.name, names[group], verdict, interval(difference)});
  }
}

/// NDCG@10 of every model when some of the users are learned from, all being measured; `all` learned from all of them.
Table by_share(const heed::data::Interactions& log, bool next_basket, Limits limits, const std::vector<double>& shares,
               std::span<const std::uint64_t> seeds, heed::Executor& executor, const std::vector<Measured>& all) {
  Table table{{"model"}, {}};
  std::vector<std::vector<Measured>> columns;
  for (const double share : shares) {
    limits.learners = share;
    table.header.push_back(fixed(100 * share, 0) + " % of the users");
    if (share == 1) {
      columns.push_back(all);
      continue;
    }
    std::printf("\nLearning from %.0f %% of the users\n", 100 * share);
    columns.push_back(
        measure_baselines(heed::recsys::Task(log, {.next_basket = next_basket, .learners = share}), true));
    for (const Variant& variant : variants()) {
      columns.back().push_back(measure(variant, log, next_basket, limits, seeds, executor));
    }
  }
  for (std::size_t i = 0; i < columns.front().size(); ++i) {
    table.rows.push_back({columns.front()[i].name});
    for (const auto& column : columns) {
      table.rows.back().push_back(
          fixed(column[i].mean([](const heed::recsys::Evaluation& e) { return e.all.mean().ndcg; }), 4));
    }
  }
  return table;
}

/// NDCG@10 and costs of the models whose names `which` finds when they see so many events of a history.
Table by_length(const heed::data::Interactions& log, bool next_basket, Limits limits, const std::vector<Index>& lengths,
                const std::regex& which, std::span<const std::uint64_t> seeds, heed::Executor& executor) {
  Table table{{"model", "events seen", "NDCG@10", "training s", "scoring us a user", "MB"}, {}};
  for (const Variant& variant : variants()) {
    if (!std::regex_search(variant.name, which)) continue;
    for (const Index length : lengths) {
      limits.max_length = length;
      const Measured one = measure(variant, log, next_basket, limits, seeds, executor);
      const auto users = static_cast<double>(one.evaluations.front().users.size());
      table.rows.push_back({one.name, std::to_string(length),
                            fixed(one.mean([](const heed::recsys::Evaluation& e) { return e.all.mean().ndcg; }), 4),
                            fixed(one.training_seconds, 1), fixed(1e6 * one.scoring_seconds / users, 0),
                            fixed(one.megabytes, 1)});
    }
  }
  return table;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compares recommenders with and without attention on one split");
  LogFile file;
  Limits limits;
  std::uint64_t first_seed = 1;
  int seeds = 1, threads = 0;
  std::string report_path = "comparison.html", page_path, lengths_of = ".";
  file.data = "examples/data/baskets.tsv";
  file.add_options(app, false);
  app.add_option("--seed", first_seed)->capture_default_str();
  app.add_option("--seeds", seeds, "Train each this many times; figures are means")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--epochs", limits.max_epochs, "At most")->check(CLI::PositiveNumber);
  app.add_option("--max-length", limits.max_length, "Events of a history that a neural model sees")
      ->check(CLI::PositiveNumber);
  std::vector<double> shares;
  std::vector<Index> lengths;
  app.add_option("--shares", shares, "Learn from these shares of the users as well, 0.05 0.25 1 say")
      ->check(CLI::Range(1e-6, 1.0));
  auto* const with_lengths =
      app.add_option("--lengths", lengths, "Show the models so many events as well, 50 200 1000 say")
          ->check(CLI::PositiveNumber);
  app.add_option("--lengths-of", lengths_of, "Of --lengths: models whose names this expression finds")
      ->capture_default_str()
      ->needs(with_lengths);
  app.add_option("--report", report_path, "Where to write tables and curves")->capture_default_str();
  app.add_option("--page", page_path, "Where to write the tables as Markdown");
  app.add_option("--threads", threads, "0: all of the machine's")->check(CLI::NonNegativeNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    // What is wrong with the last things to be done is to be known before hours of training.
    const std::regex shown_lengths(lengths_of);
    const auto all = variants();
    if (std::none_of(all.begin(), all.end(),
                     [&](const Variant& v) { return std::regex_search(v.name, shown_lengths); })) {
      heed::fail<heed::OptionError>("--lengths-of", "'", lengths_of, "' finds no model");
    }
    for (const std::string& path : {report_path, page_path}) {
      if (!path.empty()) heed::io::AtomicFile("write_report", path);
    }
    const auto executor = make_executor(threads);
    std::printf("heed %s, instruction set %s, %d threads\n", heed::version(), heed::isa(), executor->threads());
    const auto log = file.read();
    const bool next_basket = file.has_baskets();
    const heed::recsys::Task task(log, {.next_basket = next_basket});
    std::vector<std::uint64_t> all_seeds;
    for (int s = 0; s < seeds; ++s) all_seeds.push_back(first_seed + static_cast<std::uint64_t>(s));

    std::vector<Curve> curves;
    std::vector<Measured> models = measure_baselines(task, true);
    const std::size_t baselines = models.size();
    if (models.front().evaluations.front().users.size() < 3) {
      heed::fail<heed::OptionError>("compare_models", "fewer than three users to test with");
    }
    for (const Variant& variant : variants()) {
      models.push_back(measure(variant, log, next_basket, limits, all_seeds, *executor, &curves));
    }

    heed::io::Report report("Recommenders on " + file.data);
    std::string page =
        heed::message(introduction, file.data, ": ", log.num_users(), " users, ", log.num_items(), " items, ",
                      log.size(), " events. ", seeds, seeds == 1 ? " seed, " : " seeds, ", executor->threads(),
                      executor->threads() == 1 ? " thread" : " threads", ", instruction set ", heed::isa(),
                      limits.max_epochs > 0 ? heed::message(", epochs at most ", limits.max_epochs) : "",
                      limits.max_length > 0 ? heed::message(", events seen at most ", limits.max_length) : "", ".\n");
    const auto show = [&](const std::string& caption, const Table& table) {
      std::printf("\n%s:\n", caption.c_str());
      table.print();
      report.table(caption, table.header, table.rows);
      page += "\n## " + caption + "\n\n" + table.markdown();
    };
    const Index k = task.options().k;
    show(heed::message("Test, ", models.front().evaluations.front().users.size(), " users"), metrics_table(models, k));
    show(heed::message("NDCG@", k, " by the length of the history, and costs"), lengths_and_costs(models));

    const heed::Random random = heed::Random(first_seed).fork("bootstrap");
    const auto& lstm = models[baselines];
    const auto& lstm_repeat = models[baselines + 1];
    Table verdicts{{"model", "against", "histories", "better?", "difference in NDCG@10"}, {}};
    add_verdicts(verdicts, models[baselines + 2], lstm, random);
    for (std::size_t i = baselines + 1; i < models.size(); ++i) {
      if (i != baselines + 2) add_verdicts(verdicts, models[i], i == baselines + 1 ? lstm : lstm_repeat, random);
    }
    show("Does attention help, and on long histories?", verdicts);
    if (!shares.empty()) {
      show("NDCG@10 by how many users are learned from",
           by_share(log, next_basket, limits, shares, all_seeds, *executor, models));
    }
    if (!lengths.empty()) {
      show("By how much of a history the models see",
           by_length(log, next_basket, limits, lengths, shown_lengths, all_seeds, *executor));
    }
    write_curves(report, curves, task.validates() ? "Validation NDCG@10" : "Minus training loss");
    report.write(report_path);
    std::printf("\nWrote %s\n", report_path.c_str());
    if (!page_path.empty()) {
      heed::io::AtomicFile written("write_page", page_path);
      written.write(page);
      written.commit();
      std::printf("Wrote %s\n", page_path.c_str());
    }
  } catch (const std::regex_error& error) {
    std::fprintf(stderr, "compare_models: --lengths-of '%s': %s\n", lengths_of.c_str(), error.what());
    return 1;
  } catch (const heed::Error& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "compare_models: %s\n", error.what());
    return 1;
  }
  return 0;
}
