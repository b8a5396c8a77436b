// SPDX-License-Identifier: Apache-2.0
// `recommend train`: trains on a log, and writes the model and a report.
#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "epoch_log.hpp"
#include "files.hpp"
#include "interrupt.hpp"
#include "model_output.hpp"
#include "seeds.hpp"
#include "subcommands.hpp"
#include "test_tables.hpp"
#include "threads.hpp"
#include "warm_start.hpp"

namespace {

/// A fingerprint of the weights.
std::uint64_t weights_of(const Model& model) {
  heed::data::Fingerprint hash;
  heed::nn::for_each_parameter(model, [&](const std::string&, const heed::Parameter<float>& parameter) {
    hash.column(std::span(parameter.value().data(), static_cast<std::size_t>(parameter.size())));
  });
  return hash.value();
}

struct Trained {
  std::optional<Model> model;  // the best seed on validation
  double validation = 0;
  heed::recsys::Measured measured;  // finished seeds; the first one, if it was not finished
  std::string figures;              // describes the seeds of `measured`
  std::vector<Curve> curves;        // [seeds]
};

class Train {
 public:
  void add_options(CLI::App& app) {
    add_log_options(app, file_);
    app.add_option("--model", model_, "Where to write the model")->capture_default_str();
    app.add_option("--report", report_, "Where to write the report")->capture_default_str();
    add_force_option(app, force_);
    add_seed_option(app, seed_, "Seed of weights, dropout, order and samples");
    add_seeds_option(app, seeds_, "Number of trainings, from consecutive seeds; figures are means");
    app.add_option("--log", log_, "Append a JSON object per epoch to this file");
    configuration_.add_options(app);
    auto* mode = app.add_option("--mode", next_basket_, "Training targets")
                     ->transform(CLI::CheckedTransformer(
                                     std::map<std::string, bool>{{"next-basket", true}, {"every-position", false}})
                                     .description("next-basket|every-position"))
                     ->default_str("next-basket for a log with baskets, else every-position");
    app.add_option("--split-by-time", split_by_time_,
                   "Two shares of all events, for example 0.8,0.9: events between them validate, later ones test")
        ->delimiter(',')
        ->expected(2)
        ->default_str("the last basket or event of each user");
    app.add_option("--warm-start", warm_start_,
                   "Continue from this model, with its options; the log may have new items, kinds and categories")
        ->excludes(mode)
        ->excludes(configuration_.encoder_option())
        ->excludes(app.get_option("--profile"));
    checkpoint_.add_options(app);
    add_threads_option(app, threads_);
  }

  void run() const {
    Files files(force_);
    read_by(files, file_);
    files.reads("--warm-start", warm_start_, true);
    files.writes("--model", model_, Output::model);
    files.writes("--report", report_, Output::report);
    files.writes("--log", log_, Output::log);
    checkpoint_.check(files);
    const auto executor = make_executor(threads_);
    print_banner(*executor);
    std::optional<SavedModel> yesterday;
    if (!warm_start_.empty()) yesterday = load_model(warm_start_);
    heed::io::LogReport read;
    Interactions log = read_and_report(yesterday ? with_baskets_of("--warm-start", *yesterday, file_) : file_, read);
    if (yesterday) log = continued(std::move(log), *yesterday);
    using heed::data::Baskets;
    if (next_basket_ == true && file_.options.basket == Baskets::none) {
      heed::fail<heed::OptionError>("--mode", "next-basket needs baskets, got --basket none");
    }
    const bool next_basket =
        yesterday ? yesterday->task.next_basket : next_basket_.value_or(read.baskets != Baskets::none);
    if (next_basket && read.baskets == Baskets::none) {
      std::printf("--mode next-basket: the events of a user at one time are a basket\n");
    }
    auto configuration = configuration_.configuration(next_basket, yesterday ? &*yesterday : nullptr);
    configuration.task.day_baskets = read.baskets == Baskets::day;
    if (!split_by_time_.empty()) {
      configuration.task.cuts = {.validation_time = heed::data::time_quantile(log, split_by_time_[0]),
                                 .test_time = heed::data::time_quantile(log, split_by_time_[1]),
                                 .unit = log.time_unit};
      const auto [validation_time, test_time, unit] = *configuration.task.cuts;
      if (validation_time == test_time) {
        heed::fail<heed::OptionError>("--split-by-time", "no event is between the shares ", split_by_time_[0], " and ",
                                      split_by_time_[1], ": both begin at ", heed::data::time_text(test_time, unit));
      }
    }
    const heed::recsys::Task task(log, configuration.task);
    std::printf("%td users, %td items, %td events; task: %s\n", log.num_users(), log.num_items(), log.size(),
                description_of(configuration.task).c_str());
    for (const std::string& path : {model_, report_}) heed::io::AtomicFile("train", path);  // can be created
    EpochLog epochs(log_, checkpoint_.resume);
    catch_interrupts();

    nlohmann::json run{{"configuration", heed::io::to_json(configuration)}, {"log", heed::data::fingerprint(log)}};
    if (yesterday) run["warm_start"] = weights_of(yesterday->model);
    ModelOutput output(model_, task, run);
    if (checkpoint_.resume) output.resume(seed_, seeds_);
    try {
      const Trained trained = train_all_seeds(task, configuration, run, yesterday, output, epochs, *executor);
      write_report(trained, task);
      std::printf("\nWrote %s and %s: %s\n", heed::printable(model_).c_str(), heed::printable(report_).c_str(),
                  output.contents().c_str());
    } catch (...) {
      if (!output.contents().empty()) std::fprintf(stderr, "recommend: %s\n", output.contents().c_str());
      throw;
    }
  }

 private:
  void write_report(const Trained& trained, const heed::recsys::Task& task) const {
    heed::io::Report report("Recommender on " + file_.title());
    write_curves(report, trained.curves, task.validates() ? "Validation NDCG@10" : "Negative training loss");
    if (trained.measured.evaluations.front().users.empty()) {
      std::printf("\nThe log has no test events\n");
    } else {
      if (!trained.figures.empty()) {
        std::printf("\n%s\n", trained.figures.c_str());
        report.text(trained.figures);
      }
      show_test(heed::recsys::measure_baselines(task), trained.measured, task.options().k, seed_, &report);
    }
    show_customers(*trained.model, task, report);
    report.write(report_);
  }

  Trained train_all_seeds(const heed::recsys::Task& task, const Configuration& configuration, const nlohmann::json& run,
                          std::optional<SavedModel>& yesterday, ModelOutput& output, EpochLog& epochs,
                          heed::Executor& executor) const {
    const char* figure = task.validates() ? "validation NDCG@10" : "negative loss";
    Trained out;
    int finished = 0;
    for (int s = 0; s < seeds_ && !interrupted(); ++s) {
      const std::uint64_t seed = seed_ + static_cast<std::uint64_t>(s);
      Model model = first_model(configuration, task.catalogue(), seed, yesterday);
      if (s == 0) {
        std::printf("\nTraining %td parameters on %zu examples%s\n", heed::nn::parameter_count(model),
                    task.examples().size(), task.validates() ? "" : "; the log has no validation events");
        output.check(model);
      }
      if (seeds_ > 1) std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
      Progress progress;
      heed::recsys::TrainHooks hooks;
      hooks.on_step = [&](const heed::recsys::TrainProgress& at) {
        progress.step(at);
        return !interrupted();
      };
      hooks.on_epoch = [&](const heed::recsys::EpochReport& done) {
        if (done.best) output.offer(model, done.validation, seed, done.epoch);
        progress.epoch(done, figure);
        epochs.add(seed, done);
        return true;
      };
      const Training training = fit_from_seed(model, task, configuration.training, seed, executor, hooks,
                                              {checkpoint_, "seed-" + std::to_string(seed), run});
      const auto& report = training.report;
      out.curves.push_back({"seed " + std::to_string(seed), report});
      for (const auto& done : report.epochs) epochs.add(seed, done);  // of before the checkpoint, into another log
      if (report.interrupted) std::printf("Interrupted: training ends, the best weights so far are kept\n");
      if (report.epochs.empty()) break;
      std::printf("Trained in %.1f s, weights of epoch %td; seconds per epoch:", training.seconds, report.best_epoch);
      for (const auto& [phase, seconds] : mean_phases(report.epochs)) std::printf(" %s %.2f", phase, seconds);
      std::printf("\n");
      output.offer(model, training.best_validation(), seed, report.best_epoch);
      finished += report.interrupted ? 0 : 1;
      if (!report.interrupted || s == 0) {
        heed::recsys::BatchRanker<Model> ranker(model,
                                                {.max_length = task.options().max_length, .executor = &executor});
        out.measured.evaluations.push_back(heed::recsys::evaluate(task.log(), task.split(), ranker, task.evaluation()));
        out.measured.training_seconds += training.seconds;
      }
      if (!out.model || training.best_validation() > out.validation) {
        out.validation = training.best_validation();
        out.model.emplace(std::move(model));
      }
    }
    if (!out.model) heed::fail("train", "interrupted before the first epoch was complete: there is no model");
    out.measured.name = configuration.encoder.choice();
    if (finished > 1) out.measured.name += heed::message(", ", finished, " seeds");
    if (finished < seeds_) {
      out.figures = heed::message("Interrupted: ", finished, " of ", seeds_, " seeds finished. The figures are ",
                                  finished > 0 ? "theirs." : "those of the first one, which is not finished.");
    }
    return out;
  }

  /// Prints recommendations and attention weights of three customers, and the deletion test of such explanations.
  void show_customers(const Model& model, const heed::recsys::Task& task, heed::io::Report& report) const {
    const Interactions& log = task.log();
    heed::Tape<float> tape({.record = false});
    report.heading("Recommendations and attention weights");
    const heed::Random random(seed_);
    for (const History& past : heed::recsys::sample_users(task, random.fork("customers"), 3)) {
      const std::string user(log.users.text(static_cast<std::int32_t>(past.user)));
      const auto why = heed::recsys::explain(model, tape, past, explain_options(task.options(), 10));
      std::printf("\nCustomer %s\n", heed::printable(user).c_str());
      print_history(log, past);
      print_recommendations(log, why);
      print_reasons(log, past, why, 5);
      report.heat_map(attention_over_time(model, tape, log, past, task.options(),
                                          "Customer " + user + ": attention weights after each basket"));
      heed::io::Table list{{"rank", "item", "p", "of it for purchases before"}, {}};
      for (const auto& [item, score, repeat] : why.top) {
        list.rows.push_back({std::to_string(list.rows.size() + 1), name_of(log, item), heed::io::fixed(score, 4),
                             heed::io::fixed(score > 0 ? 100 * repeat / score : 0, 0) + " %"});
      }
      report.table("Recommended to customer " + user, list);
    }
    std::printf("\n");
    print_deletion_test(model, tape, heed::recsys::sample_users(task, random.fork("deletion test"), 300),
                        task.options(), random.fork("deleted items"));
  }

  LogFiles file_;
  std::string model_ = "model.safetensors", report_ = "report.html", log_, warm_start_;
  std::uint64_t seed_ = 1;
  int seeds_ = 1, threads_ = 0;
  bool force_ = false;
  CheckpointOptions checkpoint_;
  ConfigurationOptions configuration_;
  std::optional<bool> next_basket_;    // empty: by the log
  std::vector<double> split_by_time_;  // shares of the events before validation and test
};

}  // namespace

void add_train(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("train", "Train on a log, evaluate, write the model and a report");
  const auto train = std::make_shared<Train>();
  train->add_options(command);
  command.callback([train] { train->run(); });
}
