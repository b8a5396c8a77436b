// SPDX-License-Identifier: Apache-2.0
// The article's program: LSTM encoder -> LSTM decoder -> masked multi-head attention -> sum over time -> linear,
// trained with Adam on padded, masked batches. The last element of a sequence is the candidate, and the model says one
// number:
// - on purchases, whether the customer buys this product in the next basket;
// - on ratings (--ratings u.data), which rating the user gives next.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <heed/data/split.hpp>
#include <heed/io/table.hpp>
#include <heed/nn/embedding.hpp>
#include <heed/nn/init.hpp>
#include <heed/ops/bce_with_logits.hpp>
#include <heed/ops/concat.hpp>
#include <heed/ops/dropout.hpp>
#include <heed/ops/mse_loss.hpp>
#include <heed/ops/reshape.hpp>
#include <heed/optim/adamw.hpp>
#include <heed/recsys/models/seq2seq.hpp>
#include <map>
#include <string>
#include <vector>

#include "recommend/log_options.hpp"
#include "recommend/threads.hpp"

namespace {

using heed::Index;
using heed::data::Interactions;

/// Where a candidate comes from.
enum class Source { taken, uniform, as_popular };

/// The events of a user before `end`, then the candidate `item`: what the model has to judge.
struct Question {
  Index user = 0, end = 0;
  std::int32_t item = 0;
  float answer = 0;  ///< bought or not (1 or 0), or the rating's distance from the mean
  Source source = Source::taken;
};

/// Questions as padded arrays: [batch, time], and behind each sequence nothing but zeros.
struct PaddedBatch {
  heed::Segments segments;       ///< the valid steps of each sequence
  Index time = 0;                ///< the longest
  std::vector<Index> items;      ///< [batch * time]: 1 + item; 0 is the padding
  heed::Tensor<float> features;  ///< [batch * time, features]
  heed::Tensor<float> answers;   ///< [batch, 1]
};

/// What a step shows beside its item's embedding.
constexpr Index num_features = 4;

/// Pads the questions: the last `max_length` events and the candidate. Ratings are relative to `mean_rating`.
PaddedBatch pad(const Interactions& log, std::span<const Question> questions, Index max_length, float mean_rating) {
  PaddedBatch batch;
  std::vector<Index> lengths;
  for (const Question& q : questions) lengths.push_back(std::min(q.end, max_length) + 1);
  batch.segments.assign(lengths);
  batch.time = batch.segments.max_length();
  const Index count = std::ssize(questions);
  batch.items.assign(static_cast<std::size_t>(count * batch.time), 0);
  batch.features = heed::Tensor<float>({count * batch.time, num_features});
  batch.answers = heed::Tensor<float>({count, 1});
  for (Index b = 0; b < count; ++b) {
    const Question& q = questions[static_cast<std::size_t>(b)];
    const Index length = batch.segments.length(b), begin = q.end - (length - 1);
    const auto items = log.user(q.user);
    const auto times = log.user_times(q.user);
    const auto ratings = log.user_ratings(q.user);
    for (Index t = 0; t < length; ++t) {
      const bool candidate = t + 1 == length;
      const auto at = static_cast<std::size_t>(begin + t);
      const std::int32_t item = candidate ? q.item : items[at];
      const Index row = b * batch.time + t;
      batch.items[static_cast<std::size_t>(row)] = 1 + item;
      batch.features(row, 0) = candidate ? 1.0f : 0.0f;                     // this is the candidate
      batch.features(row, 1) = !candidate && item == q.item ? 1.0f : 0.0f;  // the same product, in the past
      if (candidate) continue;
      if (!times.empty()) {  // months before the last event
        const auto seconds = static_cast<double>(times[static_cast<std::size_t>(q.end - 1)] - times[at]);
        batch.features(row, 2) = static_cast<float>(std::min(seconds / (30 * 86400.0), 12.0));
      }
      if (!ratings.empty()) batch.features(row, 3) = ratings[at] - mean_rating;  // what it was rated
    }
    batch.answers(b, 0) = q.answer;
  }
  return batch;
}

/// Item embeddings and features into the article's network.
struct Model {
  using scalar_type = float;

  Model(Index num_items, Index embed_dim, Index hidden_size, double dropout)
      : items(
            {.num_embeddings = 1 + num_items, .embedding_dim = embed_dim, .padding_idx = 0, .standard_deviation = 0.1}),
        network({.input_size = embed_dim + num_features, .hidden_size = hidden_size, .num_heads = 4}),
        dropout_share(dropout) {}

  /// One number a question, [batch, 1].
  heed::Var<float> operator()(heed::Tape<float>& tape, const PaddedBatch& batch) const {
    const auto embedded = heed::dropout(items(tape, batch.items), dropout_share);  // [batch * time, embed_dim]
    const auto x = heed::concat<float>({embedded, tape.constant(batch.features)}, 1);
    return network.padded(heed::reshape(x, {batch.segments.count(), batch.time, x.cols()}), batch.segments);
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("items", items);
    visitor("network", network);
  }

  heed::nn::Embedding<float> items;
  heed::recsys::Seq2Seq<float> network;
  double dropout_share;
};

struct Options {
  heed::io::LogFile file;
  std::string ratings;
  Index epochs = 6, batch_size = 64, max_length = 50, embed_dim = 32, hidden_size = 64;
  double learning_rate = 2e-3, dropout = 0.2, weight_decay = 1e-2;
  std::uint64_t seed = 1;
  int threads = 0;
};

/// Answers of the model, in the order of the questions.
std::vector<float> answer(const Model& model, const Interactions& log, std::span<const Question> questions,
                          const Options& options, float mean_rating, heed::Executor& executor) {
  heed::Tape<float> tape({.record = false, .executor = &executor});
  std::vector<float> out;
  while (out.size() < questions.size()) {
    const auto rest = questions.subspan(out.size());
    const auto part = rest.first(std::min<std::size_t>(rest.size(), 512));
    tape.clear();
    const auto values = model(tape, pad(log, part, options.max_length, mean_rating)).value();
    out.insert(out.end(), values.data(), values.data() + values.size());
  }
  return out;
}

/// Trains on what `draw(random)` asks anew each epoch, and keeps the weights of the best epoch by `validate()`
/// (greater is better).
template <class Draw, class Loss, class Validate>
void train(Model& model, const Interactions& log, const Options& options, float mean_rating, heed::Executor& executor,
           const Draw& draw, const Loss& loss_of, const char* figure, const Validate& validate) {
  const auto parameters = heed::nn::parameters(model);
  heed::optim::AdamW<float> adam(parameters, {.learning_rate = static_cast<float>(options.learning_rate),
                                              .weight_decay = static_cast<float>(options.weight_decay)});
  const heed::Random random = heed::Random(options.seed).fork("training");
  heed::Tape<float> tape({.training = true, .random = random.fork("dropout"), .executor = &executor});
  std::vector<heed::Tensor<float>> best;
  double best_value = -INFINITY;
  for (Index epoch = 1; epoch <= options.epochs; ++epoch) {
    std::vector<Question> questions = draw(random.fork(static_cast<std::uint64_t>(epoch)));
    random.fork("order").fork(static_cast<std::uint64_t>(epoch)).shuffle(std::span(questions));
    double loss_sum = 0;
    for (std::size_t begin = 0; begin < questions.size();) {
      const auto part = std::span(questions).subspan(begin);
      const auto batch = part.first(std::min(part.size(), static_cast<std::size_t>(options.batch_size)));
      const PaddedBatch padded = pad(log, batch, options.max_length, mean_rating);
      tape.clear();
      const auto loss = loss_of(model(tape, padded), tape.constant(padded.answers));
      backward(loss);
      adam.step();
      loss_sum += static_cast<double>(loss.item()) * static_cast<double>(batch.size());
      begin += batch.size();
    }
    const double value = validate();
    std::printf("epoch %td  loss %.4f  validation %s %.4f%s\n", epoch, loss_sum / static_cast<double>(questions.size()),
                figure, std::abs(value), value > best_value ? " (best)" : "");
    std::fflush(stdout);
    if (value <= best_value) continue;
    best_value = value;
    best.clear();
    for (const auto& named : parameters) best.push_back(named.parameter->value());
  }
  for (std::size_t i = 0; i < best.size(); ++i) parameters[i].parameter->value() = best[i];
}

// ---- purchases

/// Products in the order of popularity, to draw one that is about as popular as another.
class PopularityOrder {
 public:
  PopularityOrder(const Interactions& log, std::span<const Index> ends)
      : counts_(static_cast<std::size_t>(log.num_items())), order_(counts_.size()), place_(counts_.size()) {
    for (Index u = 0; u < log.num_users(); ++u) {
      for (const auto item : log.user(u).first(static_cast<std::size_t>(ends[static_cast<std::size_t>(u)]))) {
        ++counts_[static_cast<std::size_t>(item)];
      }
    }
    for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::int32_t>(i);
    std::stable_sort(order_.begin(), order_.end(), [&](auto a, auto b) { return count(a) > count(b); });
    for (std::size_t i = 0; i < order_.size(); ++i) place_[static_cast<std::size_t>(order_[i])] = static_cast<Index>(i);
  }

  Index count(std::int32_t item) const { return counts_[static_cast<std::size_t>(item)]; }
  /// One of the 50 products above or below `item`.
  std::int32_t near(std::int32_t item, heed::Random random, std::uint64_t draw) const {
    const Index reach = 50, place = place_[static_cast<std::size_t>(item)];
    const Index from = std::max<Index>(0, place - reach), to = std::min(std::ssize(order_), place + reach + 1);
    return order_[static_cast<std::size_t>(from + random.below(draw, to - from))];
  }

 private:
  std::vector<Index> counts_;
  std::vector<std::int32_t> order_;
  std::vector<Index> place_;
};

/// For products of the basket [begin, end): would the customer buy it? And one uniform and one popularity-matched
/// product each that is not in the basket. All of the basket's products, or `most` of them by seed.
void ask(const Interactions& log, const PopularityOrder& popularity, Index user, Index begin, Index end,
         heed::Random random, std::size_t most, std::vector<Question>& out) {
  const auto part = log.user(user).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin));
  std::vector<std::int32_t> basket(part.begin(), part.end());
  std::sort(basket.begin(), basket.end());
  basket.erase(std::unique(basket.begin(), basket.end()), basket.end());
  if (std::ssize(basket) == log.num_items()) return;  // nothing is left that was not bought
  std::vector<std::int32_t> positives = basket;
  random.fork("positives").shuffle(std::span(positives));
  for (const std::int32_t item : std::span(positives).first(std::min(positives.size(), most))) {
    out.push_back({user, begin, item, 1});
    const heed::Random stream = random.fork(static_cast<std::uint64_t>(item));
    const auto another = [&](Source source, auto draw_one) {
      constexpr std::uint64_t enough = 1000;  // a basket may hold all products of its kind
      for (std::uint64_t i = 0; i < enough; ++i) {
        const std::int32_t drawn = draw_one(i);
        if (std::binary_search(basket.begin(), basket.end(), drawn)) continue;
        out.push_back({user, begin, drawn, 0, source});
        return;
      }
    };
    another(Source::uniform,
            [&](std::uint64_t i) { return static_cast<std::int32_t>(stream.below(2 * i, log.num_items())); });
    another(Source::as_popular, [&](std::uint64_t i) { return popularity.near(item, stream, 2 * i + 1); });
  }
}

/// The share of pairs (bought, not bought) of each user that the scores order rightly, half for a tie; averaged.
double auc_per_user(std::span<const Question> questions, std::span<const double> scores) {
  double sum = 0, users = 0;
  for (std::size_t begin = 0, end = 0; begin < questions.size(); begin = end) {
    double right = 0, pairs = 0;
    while (end < questions.size() && questions[end].user == questions[begin].user) ++end;
    for (std::size_t i = begin; i < end; ++i) {
      for (std::size_t j = begin; j < end; ++j) {
        if (questions[i].answer <= questions[j].answer) continue;
        right += scores[i] > scores[j] ? 1 : scores[i] == scores[j] ? 0.5 : 0;
        ++pairs;
      }
    }
    if (pairs == 0) continue;
    sum += right / pairs;
    ++users;
  }
  return users == 0 ? 0 : sum / users;
}

void purchases(const Options& options, heed::Executor& executor) {
  const Interactions log = read_and_report(options.file);
  const heed::data::Split split = heed::data::last_basket(log);
  const PopularityOrder popularity(log, split.train_end);
  std::printf("%td users, %td items; is this product in the next basket?\n", log.num_users(), log.num_items());

  constexpr std::size_t all = 1000000, few = 5;
  const auto held_out = [&](const std::vector<Index>& begins, const std::vector<Index>& ends, std::size_t most) {
    std::vector<Question> out;
    const heed::Random random = heed::Random(options.seed).fork("held out").fork(most);
    for (Index u = 0; u < log.num_users(); ++u) {
      const Index begin = begins[static_cast<std::size_t>(u)], end = ends[static_cast<std::size_t>(u)];
      if (begin > 0 && begin < end)
        ask(log, popularity, u, begin, end, random.fork(static_cast<std::uint64_t>(u)), most, out);
    }
    return out;
  };
  const auto validation = held_out(split.train_end, split.validation_end, few);
  const auto test = held_out(split.validation_end, split.test_end, all);

  Model model(log.num_items(), options.embed_dim, options.hidden_size, options.dropout);
  heed::nn::initialize(model, heed::Random(options.seed).fork("weights"));
  const auto scores = [&](std::span<const Question> questions) {
    const auto answers = answer(model, log, questions, options, 0, executor);
    return std::vector<double>(answers.begin(), answers.end());
  };
  train(
      model, log, options, 0, executor,
      [&](heed::Random random) {  // a product of each basket but the first, another one each epoch
        std::vector<Question> out;
        for (Index u = 0; u < log.num_users(); ++u) {
          const auto bounds = log.baskets(u);
          for (std::size_t b = 1;
               b + 1 < bounds.size() && bounds[b + 1] <= split.train_end[static_cast<std::size_t>(u)]; ++b) {
            ask(log, popularity, u, bounds[b], bounds[b + 1], random.fork(static_cast<std::uint64_t>(u)).fork(b), 1,
                out);
          }
        }
        return out;
      },
      [](auto logits, auto answers) { return heed::bce_with_logits(logits, answers); }, "AUC",
      [&] { return auc_per_user(validation, scores(validation)); });

  std::vector<double> popular, frequent;
  for (const Question& q : test) {
    const auto past = log.user(q.user).first(static_cast<std::size_t>(q.end));
    popular.push_back(static_cast<double>(popularity.count(q.item)));
    // The count decides, popularity among equals.
    frequent.push_back(static_cast<double>(std::count(past.begin(), past.end(), q.item)) + 1e-7 * popular.back());
  }
  heed::io::Table table{{"model", "AUC per user", "against uniform", "against as popular"}, {}};
  const auto row = [&](const char* name, const std::vector<double>& by) {
    std::vector<std::string> cells{name, heed::io::fixed(auc_per_user(test, by), 4)};
    for (const Source against : {Source::uniform, Source::as_popular}) {
      std::vector<Question> questions;
      std::vector<double> kept;
      for (std::size_t i = 0; i < test.size(); ++i) {
        if (test[i].source != Source::taken && test[i].source != against) continue;
        questions.push_back(test[i]);
        kept.push_back(by[i]);
      }
      cells.push_back(heed::io::fixed(auc_per_user(questions, kept), 4));
    }
    table.rows.push_back(cells);
  };
  row("popularity", popular);
  row("personal frequency", frequent);
  row("LSTM, LSTM, attention", scores(test));
  std::printf("\nTest, %zu questions:\n", test.size());
  std::printf("%s", table.text().c_str());
}

// ---- ratings

void ratings(Options options, heed::Executor& executor) {
  options.file.path = options.ratings;
  if (options.file.has_baskets()) options.file.format = heed::io::LogFile::Format::movielens;
  const Interactions log = read_and_report(options.file);
  if (log.ratings.empty()) heed::fail<heed::OptionError>("--ratings", "the file has no ratings");
  const heed::data::Split split = heed::data::leave_one_out(log);
  std::printf("%td users, %td items, %td ratings; what is the next one?\n", log.num_users(), log.num_items(),
              log.size());

  // The mean of all training ratings, and of each item's (of all where it has none).
  double sum = 0, count = 0;
  std::vector<double> item_sum(static_cast<std::size_t>(log.num_items())), item_count(item_sum.size());
  for (Index u = 0; u < log.num_users(); ++u) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(split.train_end[static_cast<std::size_t>(u)]); ++i) {
      const auto item = static_cast<std::size_t>(log.user(u)[i]);
      const auto rating = static_cast<double>(log.user_ratings(u)[i]);
      sum += rating;
      ++count;
      item_sum[item] += rating;
      ++item_count[item];
    }
  }
  const double mean = sum / count;
  const auto item_mean = [&](std::int32_t item) {
    const auto i = static_cast<std::size_t>(item);
    return item_count[i] > 0 ? item_sum[i] / item_count[i] : mean;
  };
  const auto mean_rating = static_cast<float>(mean);
  const auto question = [&](Index u, Index place) {
    const auto i = static_cast<std::size_t>(place);
    return Question{u, place, log.user(u)[i], log.user_ratings(u)[i] - mean_rating};
  };
  std::vector<Question> training, validation, test;
  for (Index u = 0; u < log.num_users(); ++u) {
    for (Index i = 1; i < split.train_end[static_cast<std::size_t>(u)]; ++i) training.push_back(question(u, i));
    if (split.validated(u)) validation.push_back(question(u, split.train_end[static_cast<std::size_t>(u)]));
    if (split.tested(u)) test.push_back(question(u, split.validation_end[static_cast<std::size_t>(u)]));
  }

  Model model(log.num_items(), options.embed_dim, options.hidden_size, options.dropout);
  heed::nn::initialize(model, heed::Random(options.seed).fork("weights"));
  const auto rmse = [](std::span<const Question> questions, auto&& prediction) {
    double squares = 0;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const double error = prediction(i) - static_cast<double>(questions[i].answer);
      squares += error * error;
    }
    return std::sqrt(squares / static_cast<double>(questions.size()));
  };
  const auto model_rmse = [&](std::span<const Question> questions) {
    const auto answers = answer(model, log, questions, options, mean_rating, executor);
    return rmse(questions, [&](std::size_t i) { return static_cast<double>(answers[i]); });
  };
  train(
      model, log, options, mean_rating, executor,
      [&](heed::Random random) {  // a half of the ratings, another one each epoch
        std::vector<Question> out = training;
        random.shuffle(std::span(out));
        out.resize((out.size() + 1) / 2);
        return out;
      },
      [](auto values, auto answers) { return heed::mse_loss(values, answers); }, "RMSE",
      [&] { return -model_rmse(validation); });

  heed::io::Table table{{"model", "RMSE"}, {}};
  table.rows.push_back({"global mean", heed::io::fixed(rmse(test, [](std::size_t) { return 0.0; }), 4)});
  table.rows.push_back(
      {"item mean", heed::io::fixed(rmse(test, [&](std::size_t i) { return item_mean(test[i].item) - mean; }), 4)});
  table.rows.push_back({"LSTM, LSTM, attention", heed::io::fixed(model_rmse(test), 4)});
  std::printf("\nTest, the last rating of %zu users:\n", test.size());
  std::printf("%s", table.text().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("The article's encoder, decoder and attention on purchases or on ratings");
  Options options;
  options.file.path = "examples/data/baskets.tsv";
  add_log_options(app, options.file, false);
  app.add_option("--ratings", options.ratings, "Ratings to predict instead (MovieLens, or another --format)");
  app.add_option("--epochs", options.epochs)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--batch-size", options.batch_size)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--max-length", options.max_length, "Events before the candidate")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--embed-dim", options.embed_dim)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--hidden-size", options.hidden_size)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--learning-rate", options.learning_rate)->capture_default_str();
  app.add_option("--dropout", options.dropout)->capture_default_str();
  app.add_option("--weight-decay", options.weight_decay)->capture_default_str();
  app.add_option("--seed", options.seed)->capture_default_str();
  add_threads_option(app, options.threads);
  CLI11_PARSE(app, argc, argv);
  try {
    const auto executor = make_executor(options.threads);
    std::printf("heed %s, instruction set %s, %d thread%s\n", heed::version(), heed::isa(), executor->threads(),
                executor->threads() == 1 ? "" : "s");
    if (options.ratings.empty()) {
      purchases(options, *executor);
    } else {
      ratings(options, *executor);
    }
  } catch (const heed::Error& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "seq2seq: %s\n", error.what());
    return 1;
  }
  return 0;
}
