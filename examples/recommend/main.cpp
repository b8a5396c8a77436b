// SPDX-License-Identifier: Apache-2.0
// Trains a recommender on a log of who took what when, measures it against the traditional models,
// recommends by name, and says why. `recommend train --help` lists the options.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <heed/data/renumber.hpp>
#include <heed/io/recommender.hpp>
#include <heed/io/report.hpp>
#include <heed/nn/init.hpp>
#include <heed/recsys/deletion_test.hpp>
#include <heed/recsys/session.hpp>
#include <heed/recsys/warm_start.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "benchmark.hpp"
#include "comparison.hpp"
#include "../configuration.hpp"
#include "../log_file.hpp"
#include "progress.hpp"
#include "../table.hpp"
#include "../threads.hpp"

namespace {

using heed::Index;
using heed::data::Interactions;
using heed::recsys::History;
using Model = heed::recsys::AnyRecommender<float>;

// ---- options

struct Options {
  LogFile file;
  std::string model = "model.safetensors", report = "report.html", log;
  std::uint64_t seed = 1;
  int seeds = 1, threads = 0;
  std::string warm_start;
  ConfigurationOptions configuration;
  std::optional<bool> next_basket;    // as the format says when not given
  std::vector<double> split_by_time;  // shares of the events before the two cuts
  std::string user;
  std::vector<std::string> history;
  Index k = 10;
  Benchmark::Options benchmark;
};

// ---- Ctrl-C

volatile std::sig_atomic_t interrupted = 0;

/// The first Ctrl-C asks the training to end; a second one ends the program.
void interrupt_handler(int) {
  interrupted = 1;
  std::signal(SIGINT, SIG_DFL);
}

// ---- words

void print_banner(const heed::Executor& executor) {
  std::printf("heed %s, instruction set %s, %d thread%s\n", heed::version(), heed::isa(), executor.threads(),
              executor.threads() == 1 ? "" : "s");
}

std::string name_of(const Interactions& log, std::int32_t item) { return std::string(log.item_ids.name(item)); }

/// `2011-11-20`.
std::string date_of(std::int64_t unix_time) {
  const std::chrono::sys_seconds time{std::chrono::seconds(unix_time)};
  const std::chrono::year_month_day day{std::chrono::floor<std::chrono::days>(time)};
  char text[64];
  std::snprintf(text, sizeof(text), "%04d-%02u-%02u", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                static_cast<unsigned>(day.day()));
  return text;
}

/// What is predicted from what.
std::string words(const heed::recsys::TaskOptions& task) {
  if (task.by_time()) {
    return "all from " + date_of(task.test_time) + " on from what was before; validates from " +
           date_of(task.validation_time) + " on";
  }
  return task.next_basket ? "the last basket from the ones before" : "the last event from the ones before";
}

// ---- one customer: history, recommendations, reasons

heed::recsys::ExplainOptions explain_options(const heed::recsys::TaskOptions& task, Index k) {
  return {.k = k, .max_length = task.max_length, .keep_history = task.next_basket};
}

void print_history(const Interactions& log, const History& past) {
  constexpr Index most_baskets = 3, most_items = 4;
  std::printf("  history (%td items):\n", past.size());
  Index end = past.size();
  for (Index shown = 0; end > 0 && shown < most_baskets; ++shown) {
    const Index begin = heed::data::basket_begin(past.times, end);
    std::printf("    %s",
                past.times.empty() ? "" : (date_of(past.times[static_cast<std::size_t>(begin)]) + "  ").c_str());
    for (Index i = begin; i < std::min(end, begin + most_items); ++i) {
      std::printf("%s%s", i == begin ? "" : "; ", name_of(log, past.items[static_cast<std::size_t>(i)]).c_str());
    }
    std::printf(end - begin > most_items ? "; and %td more\n" : "\n", end - begin - most_items);
    end = begin;
  }
  if (end > 0) std::printf("    and %td items before\n", end);
}

void print_recommendations(const Interactions& log, const heed::recsys::Explanation& why) {
  std::printf("  recommended:\n");
  for (std::size_t i = 0; i < why.top.size(); ++i) {
    const auto& [item, score, repeat] = why.top[i];
    std::printf("    %2zu. %-36s  p %.4f, %3.0f %% of it for purchases before\n", i + 1, name_of(log, item).c_str(),
                score, score > 0 ? 100 * repeat / score : 0.0);
  }
}

void print_reasons(const Interactions& log, const History& past, const heed::recsys::Explanation& why, Index most) {
  const auto weighed = heed::recsys::weighed_items(past, why);
  if (weighed.empty()) {
    std::printf(past.size() == 0 ? "  there is nothing to weigh\n" : "  this model has no attention to show\n");
    return;
  }
  std::printf("  the attention weighed most:\n");
  for (std::size_t i = 0; i < std::min(weighed.size(), static_cast<std::size_t>(most)); ++i) {
    std::printf("    %5.1f %%  %s%s\n", 100 * weighed[i].weight, name_of(log, weighed[i].item).c_str(),
                weighed[i].count > 1 ? (" (" + std::to_string(weighed[i].count) + " times)").c_str() : "");
  }
}

/// The attention at the end of each of the last baskets: which items it weighed, and how that moved on.
heed::io::HeatMap attention_over_time(const Model& model, heed::Tape<float>& tape, const Interactions& log,
                                      const History& past, const heed::recsys::TaskOptions& task,
                                      const std::string& title) {
  constexpr std::size_t most_baskets = 10, most_items = 20;
  std::vector<Index> ends;
  for (Index end = past.size(); end > 0 && ends.size() < most_baskets;
       end = heed::data::basket_begin(past.times, end)) {
    ends.insert(ends.begin(), end);
  }
  std::map<std::int32_t, std::vector<double>> rows;  // an item's weight at each of the ends
  heed::io::HeatMap map{.title = title, .keys = {}, .queries = {}, .weights = {}};
  for (std::size_t q = 0; q < ends.size(); ++q) {
    const auto n = static_cast<std::size_t>(ends[q]);
    const auto cut = [n](auto events) { return events.empty() ? events : events.first(n); };
    const History then{
        .user = past.user, .items = past.items.first(n), .times = cut(past.times), .kinds = cut(past.kinds)};
    const auto why = heed::recsys::explain(model, tape, then, explain_options(task, 1));
    for (const auto& [item, weight, count] : heed::recsys::weighed_items(then, why)) {
      rows.try_emplace(item, ends.size(), 0.0).first->second[q] = weight;
    }
    map.queries.push_back(past.times.empty() ? "after " + std::to_string(n) + " items"
                                             : "after " + date_of(past.times[n - 1]));
  }
  std::vector<std::pair<double, std::int32_t>> order;
  for (const auto& [item, weights] : rows) order.push_back({-*std::max_element(weights.begin(), weights.end()), item});
  std::sort(order.begin(), order.end());
  order.resize(std::min(order.size(), most_items));
  for (const auto& [weight, item] : order) map.keys.push_back(name_of(log, item));
  for (std::size_t q = 0; q < ends.size(); ++q) {
    for (const auto& [weight, item] : order) map.weights.push_back(rows.at(item)[q]);
  }
  return map;
}

/// Are the weights reasons? Compares what deleting the most weighed item of a history does with deleting another one.
void print_deletion_test(const Model& model, heed::Tape<float>& tape, std::span<const History> pasts,
                         const heed::recsys::TaskOptions& task, heed::Random random) {
  const auto [histories, most_weighed, other, difference] =
      heed::recsys::deletion_test(model, tape, pasts, random, explain_options(task, 10));
  if (histories == 0) return;
  std::printf(
      "Deleting the most weighed item of a history moves the scores of the top 10 by %.4f in all,\n"
      "deleting another one by %.4f",
      most_weighed, other);
  if (histories > 1) {
    const auto [mean, low, high] = difference;
    std::printf(" (mean of %td histories; difference %.4f, 95 %% interval %.4f to %.4f)", histories, mean, low, high);
  }
  std::printf(".\n");
}

// ---- train

/// A JSON object a line: one epoch.
void write_log_line(const std::string& path, std::uint64_t seed, const heed::recsys::EpochReport& done) {
  if (path.empty()) return;
  std::ofstream file(path, std::ios::app);
  nlohmann::json line{{"seed", seed},      {"epoch", done.epoch},
                      {"loss", done.loss}, {"validation", done.validation},
                      {"best", done.best}, {"tokens_per_second", done.tokens_per_second}};
  for (const auto& [phase, seconds] : phases(done.seconds)) line["seconds"][phase] = seconds;
  file << line << '\n';
  if (!file) heed::fail<heed::IoError>("--log", heed::message(path, " cannot be written"));
}

struct Trained {
  std::optional<Model> model;  // the best on validation of all seeds
  double validation = 0;
  Measured measured;
  std::vector<Curve> curves;  // [seeds]
};

/// The model in its first state: drawn from the seed and, where there is one, with yesterday's weights. Throws
/// heed::OptionError unless all are there, of kinds and categories only where yesterday's log had some.
Model first_model(const Configuration& configuration, const Interactions& log, std::uint64_t seed,
                  std::optional<heed::io::SavedRecommender<float>>& yesterday) {
  Model model = model_of(configuration, log);
  heed::nn::initialize(model, heed::Random(seed).fork("weights"));
  if (!yesterday) return model;
  const auto numbers = [](const heed::data::Vocabulary& from, const heed::data::Vocabulary& to) {
    return heed::data::renumbering(from, to);
  };
  const auto items = numbers(yesterday->item_ids, log.item_ids), kinds = numbers(yesterday->fields.kinds, log.kind_ids),
             features = numbers(yesterday->fields.features, log.item_features.names);
  const auto fresh = heed::recsys::warm_start(model, yesterday->model,
                                              {.items = items,
                                               .features = features,
                                               .kinds = kinds,
                                               .new_items = heed::recsys::NewItems::mean,
                                               .item_features = log.item_features.values});
  const auto shape_in = [](Model& of, const std::string& path) {
    for (const auto& [name, parameter] : heed::nn::parameters(of)) {
      if (name == path) return heed::message(parameter->value().shape());
    }
    return std::string("none");
  };
  std::string differ;
  for (const std::string& path : fresh) {
    if (path == "kinds.weight" || path == "features.weight") continue;  // this log is the first to have them
    differ += "\n  " + path + " would be " + shape_in(model, path) + ", is " + shape_in(yesterday->model, path);
  }
  if (!differ.empty()) heed::fail<heed::OptionError>("--warm-start", "these weights cannot be kept:" + differ);
  return model;
}

/// Throws heed::OptionError when the model sees something of events or items that the log lacks, or that its file gives
/// no names for.
void check_field(const char* operation, Index seen, Index names, bool in_log, const char* what, const char* option) {
  if (seen == 0) return;
  if (names == 0) heed::fail<heed::OptionError>(operation, "the model's file does not name its ", what);
  if (!in_log) heed::fail<heed::OptionError>(operation, "the model sees ", what, ", which come from ", option);
}
void check_kinds(const char* operation, const heed::io::SavedRecommender<float>& saved, const Interactions& log) {
  check_field(operation, saved.model.options().num_kinds, saved.fields.kinds.size(), !log.kinds.empty(),
              "kinds of event", "a log with --kind-column");
}

/// The log in yesterday's numbers, what is new behind them. Items that today's log lacks stay in the catalogue. Errors
/// as above.
Interactions continued(Interactions log, const heed::io::SavedRecommender<float>& yesterday) {
  namespace data = heed::data;
  check_kinds("--warm-start", yesterday, log);
  check_field("--warm-start", yesterday.model.options().num_features, yesterday.fields.features.size(),
              !log.item_features.values.empty(), "categories of items", "--items with --feature-column");
  const Index today = log.num_items();
  log = data::renumber_items(log, data::joined(yesterday.item_ids, log.item_ids));
  if (!log.kinds.empty()) log = data::renumber_kinds(log, data::joined(yesterday.fields.kinds, log.kind_ids));
  auto& features = log.item_features;
  if (!features.values.empty()) {
    features = data::renumber_features(std::move(features), data::joined(yesterday.fields.features, features.names));
    const auto known = yesterday.model.input.item_features();
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (features.values[i] == data::Vocabulary::unknown) features.values[i] = known[i];
    }
  }
  std::printf("Goes on from %td items: %td of them are not in this log, %td of its %td are new\n",
              yesterday.item_ids.size(), log.num_items() - today, log.num_items() - yesterday.item_ids.size(), today);
  return log;
}

Trained train_all_seeds(const heed::recsys::Task& task, const Configuration& configuration, const Options& options,
                        std::optional<heed::io::SavedRecommender<float>>& yesterday, heed::Executor& executor) {
  const char* figure = task.validates() ? "validation NDCG@10" : "minus loss";
  Trained out;
  for (int s = 0; s < options.seeds && interrupted == 0; ++s) {
    const std::uint64_t seed = options.seed + static_cast<std::uint64_t>(s);
    Model model = first_model(configuration, task.log(), seed, yesterday);
    if (s == 0) {
      std::printf("\nTraining %td parameters on %zu examples%s\n", heed::nn::parameter_count(model),
                  task.examples().size(), task.validates() ? "" : "; nobody has events to validate with");
    }
    if (options.seeds > 1) std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
    Progress progress;
    heed::recsys::TrainHooks hooks;
    hooks.on_step = [&](const heed::recsys::TrainProgress& at) {
      progress.step(at);
      return interrupted == 0;
    };
    hooks.on_epoch = [&](const heed::recsys::EpochReport& done) {
      progress.epoch(done, figure);
      write_log_line(options.log, seed, done);
    };
    auto training = configuration.training;
    training.random = heed::Random(seed).fork("training");
    training.executor = &executor;
    const Stopwatch watch;
    out.curves.push_back({"seed " + std::to_string(seed), heed::recsys::fit(model, task, training, hooks)});
    const auto& report = out.curves.back().training;
    if (report.interrupted) std::printf("Interrupted: the epoch ends here, the best weights so far are kept\n");
    std::printf("Trained in %.1f s, weights of epoch %td; seconds an epoch:", watch.seconds(), report.best_epoch);
    for (const auto& [phase, seconds] : mean_phases(report.epochs)) std::printf(" %s %.2f", phase, seconds);
    std::printf("\n");
    out.measured.training_seconds += watch.seconds();

    heed::recsys::BatchRanker<Model> ranker(model, {.max_length = task.options().max_length, .executor = &executor});
    out.measured.evaluations.push_back(ranker.evaluate(task.log(), task.split(), task.evaluation()));
    const double validation = report.epochs[static_cast<std::size_t>(report.best_epoch - 1)].validation;
    if (!out.model || validation > out.validation) {
      out.validation = validation;
      out.model.emplace(std::move(model));
    }
  }
  out.measured.name = heed::io::name_of(configuration.encoder);
  if (out.curves.size() > 1) out.measured.name += ", " + std::to_string(out.curves.size()) + " seeds";
  return out;
}

/// The table of all models, and the last one against each of the others; on the terminal and in the report.
void compare(std::vector<Measured> baselines, const Measured& model, Index k, std::uint64_t seed,
             heed::io::Report* report) {
  std::vector<Measured> all = baselines;
  all.push_back(model);
  const Table metrics = metrics_table(all, k);
  const auto users = model.evaluations.front().users.size();
  std::printf("\nTest, %zu users:\n", users);
  metrics.print();
  if (report != nullptr) {
    report->heading("Test").table("Means over " + std::to_string(users) + " users, full ranking", metrics.header,
                                  metrics.rows);
  }
  if (users < 2) return;
  const Table differences = differences_table(model, baselines, k, heed::Random(seed).fork("bootstrap"));
  std::printf("\nDifferences with 95 %% intervals (paired bootstrap over users):\n");
  differences.print();
  if (report != nullptr) {
    report->table("Differences with 95 % intervals, paired bootstrap over users", differences.header, differences.rows);
  }
}

void train(const Options& options) {
  const auto executor = make_executor(options.threads);
  print_banner(*executor);
  Interactions log = options.file.read();
  std::optional<heed::io::SavedRecommender<float>> yesterday;
  if (!options.warm_start.empty()) {
    yesterday = heed::io::load_recommender<float>(options.warm_start);
    log = continued(std::move(log), *yesterday);
  }
  const bool next_basket =
      yesterday ? yesterday->task.next_basket : options.next_basket.value_or(options.file.has_baskets());
  auto configuration = options.configuration.configuration(next_basket, yesterday ? &*yesterday : nullptr);
  if (!options.split_by_time.empty()) {
    configuration.task.validation_time = heed::data::time_quantile(log, options.split_by_time[0]);
    configuration.task.test_time = heed::data::time_quantile(log, options.split_by_time[1]);
  }
  const heed::recsys::Task task(log, configuration.task);
  std::printf("%td users, %td items, %td events; task: %s\n", log.num_users(), log.num_items(), log.size(),
              words(configuration.task).c_str());
  std::signal(SIGINT, interrupt_handler);

  Trained trained = train_all_seeds(task, configuration, options, yesterday, *executor);
  if (!trained.model) return;  // interrupted before the first epoch
  heed::io::save_recommender(*trained.model, log.item_ids, configuration.task, options.model,
                             {log.kind_ids, log.item_features.names});

  heed::io::Report report("Recommender on " + options.file.data);
  write_curves(report, trained.curves, task.validates() ? "Validation NDCG@10" : "Minus training loss");
  if (trained.measured.evaluations.front().users.empty()) {
    std::printf("\nNobody has events to test with\n");
  } else {
    compare(measure_baselines(task), trained.measured, configuration.task.k, options.seed, &report);
  }

  heed::Tape<float> tape({.record = false});
  report.heading("Recommendations and the attention behind them");
  for (const History& past : sample_users(task, heed::Random(options.seed).fork("customers"), 3)) {
    const std::string user(log.users.id(static_cast<std::int32_t>(past.user)));
    const auto why = heed::recsys::explain(*trained.model, tape, past, explain_options(configuration.task, options.k));
    std::printf("\nCustomer %s\n", user.c_str());
    print_history(log, past);
    print_recommendations(log, why);
    print_reasons(log, past, why, 5);
    report.heat_map(attention_over_time(*trained.model, tape, log, past, configuration.task,
                                        "Customer " + user + ": what the attention weighed, basket after basket"));
    Table list{{"place", "recommended", "p", "of it for purchases before"}, {}};
    for (const auto& [item, score, repeat] : why.top) {
      list.rows.push_back({std::to_string(list.rows.size() + 1), name_of(log, item), fixed(score, 4),
                           fixed(score > 0 ? 100 * repeat / score : 0, 0) + " %"});
    }
    report.table("Recommended to customer " + user, list.header, list.rows);
  }
  std::printf("\n");
  print_deletion_test(*trained.model, tape, sample_users(task, heed::Random(options.seed).fork("deletion test"), 300),
                      configuration.task, heed::Random(options.seed).fork("deleted items"));
  report.write(options.report);
  std::printf("\nWrote %s and %s\n", options.model.c_str(), options.report.c_str());
}

// ---- what a trained model is used for

heed::io::SavedRecommender<float> load(const Options& options) {
  return heed::io::load_recommender<float>(options.model);
}

/// The log in the model's numbers. Throws heed::OptionError where it lacks the kinds of event that the model sees.
Interactions read_for(const heed::io::SavedRecommender<float>& saved, const Options& options) {
  Index unknown = 0;
  Interactions log = options.file.read();
  check_kinds("--data", saved, log);
  log = heed::data::renumber_items(log, saved.item_ids, &unknown);
  if (unknown > 0) std::printf("%td events left out: the model does not know their items\n", unknown);
  if (saved.fields.kinds.size() > 0) {
    log = heed::data::renumber_kinds(log, saved.fields.kinds, &unknown);
    if (unknown > 0) std::printf("%td events left out: the model does not know their kinds\n", unknown);
  }
  return log;
}

void evaluate(const Options& options) {
  const auto executor = make_executor(options.threads);
  print_banner(*executor);
  const auto saved = load(options);
  const Interactions log = read_for(saved, options);
  const heed::recsys::Task task(log, saved.task);
  heed::recsys::BatchRanker<Model> ranker(saved.model,
                                          {.max_length = saved.task.max_length, .executor = executor.get()});
  Measured measured{heed::io::name_of(saved.model.encoder_options()),
                    {ranker.evaluate(log, task.split(), task.evaluation())}};
  if (measured.evaluations.front().users.empty()) {
    std::printf("Nobody has events to test with\n");
    return;
  }
  compare(measure_baselines(task), measured, saved.task.k, options.seed, nullptr);
}

/// Somebody to recommend to: a user of a log, or a history from the command line.
struct Somebody {
  Interactions log;
  std::vector<std::int32_t> items;
  History past;
};

/// Fills `out` in place: its history looks into its own vectors.
void find_somebody(const heed::io::SavedRecommender<float>& saved, const Options& options, Somebody& out) {
  if (!options.file.data.empty()) {
    out.log = read_for(saved, options);
  } else {
    out.log.item_ids = saved.item_ids;
  }
  if (!options.user.empty()) {
    const std::int32_t user = out.log.users.find(options.user);
    if (user < 0) heed::fail<heed::OptionError>("--user", heed::message("nobody is called ", options.user));
    out.past = heed::recsys::history(out.log, user, out.log.length(user));
    return;
  }
  check_kinds("--history", saved, {});
  for (const std::string& id : options.history) {
    const std::int32_t item = out.log.item_ids.find(id);
    if (item < 0) heed::fail<heed::OptionError>("--history", heed::message("the model knows no item ", id));
    out.items.push_back(item);
  }
  out.past.items = out.items;
}

/// As a shop would: one session a visitor, an item in, the best out.
void recommend(const Options& options) {
  const auto saved = load(options);
  Somebody somebody;
  find_somebody(saved, options, somebody);
  heed::recsys::Session<Model> session(saved.model,
                                       {.max_length = saved.task.max_length, .exclude_seen = !saved.task.next_basket});
  const History& past = somebody.past;
  for (std::size_t i = 0; i < past.items.size(); ++i) {
    session.push(past.items[i], past.times.empty() ? static_cast<std::int64_t>(i) : past.times[i],
                 past.kinds.empty() ? -1 : past.kinds[i]);
  }
  for (const auto& [item, score] : session.top_k(options.k)) {
    const auto number = static_cast<std::int32_t>(item);
    std::printf("%-12s %.4f  %s\n", std::string(saved.item_ids.id(number)).c_str(), static_cast<double>(score),
                name_of(somebody.log, number).c_str());
  }
}

void explain(const Options& options) {
  const auto saved = load(options);
  Somebody somebody;
  find_somebody(saved, options, somebody);
  const auto& [log, items, past] = somebody;
  heed::Tape<float> tape({.record = false});
  const auto why = heed::recsys::explain(saved.model, tape, past, explain_options(saved.task, options.k));
  print_history(log, past);
  print_recommendations(log, why);
  print_reasons(log, past, why, options.k);
  print_deletion_test(saved.model, tape, std::span(&past, 1), saved.task, heed::Random(options.seed));
  heed::io::Report report("Why these recommendations");
  report.heat_map(attention_over_time(saved.model, tape, log, past, saved.task, "What the attention weighed"));
  report.write(options.report);
  std::printf("Wrote %s\n", options.report.c_str());
}

void run_benchmark(const Options& options) {
  const auto executor = make_executor(options.threads);
  print_banner(*executor);
  std::signal(SIGINT, interrupt_handler);
  try {
    Benchmark(options.benchmark, *executor).run([] { return interrupted == 0; });
  } catch (const heed::Error&) {
    throw;
  } catch (const std::exception& error) {  // of JSON, of names that are not there, of the expression in --only
    heed::fail<heed::IoError>("benchmark", options.benchmark.plan + " or a file of results: " + error.what());
  }
}

// ---- the command line

void add_training_options(CLI::App& app, Options& options) {
  options.file.add_options(app);
  app.add_option("--model", options.model, "Where to write the model")->capture_default_str();
  app.add_option("--report", options.report, "Where to write the report")->capture_default_str();
  app.add_option("--seed", options.seed, "Of weights, dropout, order and samples")->capture_default_str();
  app.add_option("--seeds", options.seeds, "Train this many times from seeds in a row; figures are their means")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--log", options.log, "A JSON object an epoch is added to this file");
  options.configuration.add_options(app);
  auto* mode = app.add_option("--mode", options.next_basket, "What to learn")
                   ->transform(CLI::CheckedTransformer(
                                   std::map<std::string, bool>{{"next-basket", true}, {"every-position", false}})
                                   .description("next-basket|every-position"))
                   ->default_str("next-basket for baskets, every-position otherwise");
  app.add_option("--split-by-time", options.split_by_time,
                 "Two shares of all events, 0.8,0.9 say: those between validate, those after test, of everybody")
      ->delimiter(',')
      ->expected(2)
      ->default_str("each user's own last basket or event");
  app.add_option("--warm-start", options.warm_start,
                 "Go on from this model, with its options; the log may have new items, kinds and categories")
      ->excludes(mode)
      ->excludes(options.configuration.encoder_option())
      ->excludes(app.get_option("--profile"));
}

void add_model_options(CLI::App& app, Options& options) {
  app.add_option("--model", options.model, "The trained model")->capture_default_str();
  app.add_option("--seed", options.seed, "Of samples")->capture_default_str();
}

void add_somebody_options(CLI::App& app, Options& options) {
  add_model_options(app, options);
  options.file.add_options(app, false);
  auto* user = app.add_option("--user", options.user, "Somebody in --data")->needs("--data");
  auto* history = app.add_option("--history", options.history, "Ids of items, oldest first")->excludes(user);
  app.add_option("-k,--top", options.k, "Length of the list")->check(CLI::PositiveNumber)->capture_default_str();
  app.callback([user, history] {
    if (user->count() == 0 && history->count() == 0) throw CLI::RequiredError("--user or --history");
  });
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains and uses an attention recommender");
  app.require_subcommand(1);
  Options options;

  CLI::App& train_app = *app.add_subcommand("train", "Learn from a log, measure, write the model and a report");
  add_training_options(train_app, options);
  train_app.add_option("--threads", options.threads, "0: all of the machine's")->check(CLI::NonNegativeNumber);

  CLI::App& evaluate_app = *app.add_subcommand("evaluate", "Measure a model against the traditional ones");
  options.file.add_options(evaluate_app);
  add_model_options(evaluate_app, options);
  evaluate_app.add_option("--threads", options.threads, "0: all of the machine's")->check(CLI::NonNegativeNumber);

  CLI::App& recommend_app = *app.add_subcommand("recommend", "The best items for somebody");
  add_somebody_options(recommend_app, options);

  CLI::App& explain_app = *app.add_subcommand("explain", "The same, and why");
  add_somebody_options(explain_app, options);
  explain_app.add_option("--report", options.report, "Where to write the attention heat map")->capture_default_str();

  CLI::App& benchmark_app = *app.add_subcommand("benchmark", "Train what a plan lists and is not done, write the page");
  auto& benchmark = options.benchmark;
  benchmark_app.add_option("--plan", benchmark.plan, "What to run")->capture_default_str();
  benchmark_app.add_option("--data-dir", benchmark.data_dir, "Where the plan's files are")->capture_default_str();
  benchmark_app.add_option("--results", benchmark.results, "A file for each run that is done")->capture_default_str();
  benchmark_app.add_option("--page", benchmark.page, "The tables made of them")->capture_default_str();
  benchmark_app.add_option("--only", benchmark.only, "Runs whose data/name this expression finds");
  benchmark_app.add_option("--seeds", benchmark.seeds, "0: as the plan says")->check(CLI::NonNegativeNumber);
  benchmark_app.add_option("--minutes", benchmark.minutes, "Begin no run after that");
  benchmark_app.add_option("--threads", options.threads, "0: all of the machine's")->check(CLI::NonNegativeNumber);

  CLI11_PARSE(app, argc, argv);
  try {
    if (train_app.parsed()) train(options);
    if (evaluate_app.parsed()) evaluate(options);
    if (recommend_app.parsed()) recommend(options);
    if (explain_app.parsed()) explain(options);
    if (benchmark_app.parsed()) run_benchmark(options);
  } catch (const heed::Error& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "recommend: %s\n", error.what());
    return 1;
  }
  return 0;
}
