// SPDX-License-Identifier: Apache-2.0
// From a log of your own to a saved model:
//
//     train LOG.csv [MODEL]
//
// LOG.csv has a header line with the columns user, item and time (a number: seconds, days, ..), in any order and with
// any others beside them, and one line per event. Users and items may be any text. MODEL is written (by default
// model.safetensors); the programs session and explain load it.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <heed/io/read_log.hpp>
#include <heed/io/recommender.hpp>
#include <heed/recsys/models/popularity.hpp>
#include <string>
#include <system_error>

namespace recsys = heed::recsys;

namespace {

void print_row(const char* model, const recsys::RankingMetrics& mean) {
  std::printf("%-12s %7.4f %8.4f\n", model, mean.hit_rate, mean.ndcg);
}

void train(const std::string& log_path, const std::string& model_path) {
  // An output that is the input would be the end of the log.
  std::error_code neither;  // one of them does not exist
  if (std::filesystem::equivalent(log_path, model_path, neither)) {
    heed::fail<heed::OptionError>("MODEL", model_path, " is the log");
  }

  // The log: users, items and events in time order. read_log takes other formats as well, and compressed files.
  const heed::data::Interactions log = heed::io::read_log(
      log_path,
      {.format = heed::io::LogFormat::csv, .user_column = "user", .item_column = "item", .time_column = "time"});
  std::printf("%td users, %td items, %td events\n", log.num_users(), log.num_items(), log.size());

  // The task: of each user with three events or more, the last event tests, the one before it validates, and the
  // others train. The model learns at every event to predict the next one, and recommends only items that are new to
  // the user. Where people take the same items again, as in a grocery, choose next_basket = true (and pointer = true
  // below). A split at one time for everybody is in TaskOptions, too.
  const recsys::Task task(log, {.next_basket = false, .max_length = 50});

  // The model: SASRec, two transformer blocks over the last 50 events. AnyRecommender holds any of the encoders:
  // replace SASRecEncoderOptions by AttentionEncoderOptions for an LSTM with attention, by HSTUEncoderOptions, ..
  const recsys::SASRecEncoderOptions encoder{.num_blocks = 2, .num_heads = 2, .dropout = 0.2};
  recsys::AnyRecommender<float> model({.num_items = log.num_items(), .embed_dim = 64, .max_length = 50}, {encoder},
                                      task.catalogue());
  heed::nn::initialize(model, heed::Random(1));  // the seed of the initial weights

  // Training: after each epoch, NDCG@10 on the validation events. It ends after 5 epochs without a better value, and
  // the model then has the weights of the best epoch. This uses one thread; to use several, give .executor an
  // OpenMpExecutor of heed/openmp.hpp.
  recsys::TrainHooks hooks;
  hooks.on_epoch = [&](const recsys::EpochReport& epoch) {
    // One file with the weights, the options, the task and the catalogue: all that serving needs. Written as soon as
    // there is a better model, so that nothing that happens later loses it.
    if (epoch.best) heed::io::save_recommender(model, task, model_path);
    std::printf("epoch %2td  loss %.4f  validation NDCG@10 %.4f%s\n", epoch.epoch, epoch.loss, epoch.validation,
                epoch.best ? "  (best so far)" : "");
    std::fflush(stdout);
    return true;  // false would end the training
  };
  const recsys::TrainReport report = recsys::fit(
      model, task, {.batch_size = 64, .max_epochs = 50, .patience = 5, .learning_rate = 2e-3}, std::move(hooks));
  std::printf("kept the weights of epoch %td of %zu\n\n", report.best_epoch, report.epochs.size());

  // Evaluation on the test events, which nothing above has seen: each user's list of 10 out of the whole catalogue,
  // beside the baseline that recommends the most popular items to everybody. HR is the share of users whose event is in
  // the list; NDCG also counts how high.
  const auto measure = [&](auto&& ranker) {
    return recsys::evaluate(log, task.split(), ranker, task.evaluation()).all.mean();
  };
  const recsys::Popularity popularity(log, task.split().train_end);
  std::printf("%-12s %7s %8s\n", "test", "HR@10", "NDCG@10");
  print_row("popularity", measure(recsys::ScoreRanker(popularity)));
  print_row("SASRec", measure(recsys::BatchRanker(model, {.max_length = task.options().max_length})));

  std::printf("\nwrote %s\n", model_path.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: train LOG.csv [MODEL]\n");
    return 2;
  }
  try {
    train(argv[1], argc == 3 ? argv[2] : "model.safetensors");
  } catch (const std::exception& error) {  // heed's errors name the file or the option, and what was wrong with it
    std::fprintf(stderr, "train: %s\n", error.what());
    return 1;
  }
  return 0;
}
