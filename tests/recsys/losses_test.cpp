// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/losses.hpp"

#include <array>
#include <set>

#include "heed/ops/gather.hpp"
#include "heed/ops/log_softmax.hpp"
#include "heed/ops/matmul.hpp"
#include "heed/ops/scale.hpp"
#include "heed/ops/transpose.hpp"
#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using heed::data::Batch;
using recsys::next_item_loss;
using recsys::NextItemLoss;
using Kind = NextItemLoss::Kind;
using test::error_of;
using test::normal;

constexpr Kind kinds[] = {Kind::softmax, Kind::sampled_softmax, Kind::bce, Kind::gbce};
constexpr Index num_items = 9;

/// Queries at every position, with one target each.
Batch positions() { return test::batch_of_all(test::circle_log(4, num_items, 5), false); }
/// One query per history, with two targets each.
Batch baskets() { return test::batch_of_all(test::repeat_log(4, num_items, 3), true); }

/// As many targets as queries, but not one per query.
Batch uneven() {
  Batch batch = baskets();
  batch.segments.assign(std::vector<Index>{1, 2});
  batch.query_segments = batch.segments;
  batch.target_segments.assign(std::vector<Index>{2, 0, 1});
  batch.targets = {3, 5, 3};
  return batch;
}

/// Returns the first `count` items sampled by a tape with this seed.
std::vector<Index> drawn(Random random, Index count) {
  Tape<double> tape({.random = random});
  const Random stream = tape.next_random();
  std::vector<Index> out;
  for (Index i = 0; i < count; ++i) out.push_back(stream.below(static_cast<std::uint64_t>(i), num_items));
  return out;
}

/// Returns the row of the state for each target.
std::vector<Index> query_of_targets(const Batch& batch) {
  std::vector<Index> out;
  for (Index q = 0; q < batch.target_segments.count(); ++q) {
    out.insert(out.end(), static_cast<std::size_t>(batch.target_segments.length(q)), q);
  }
  return out;
}

TEST_CASE("next_item_loss, by hand: softmax is the mean of -log p over the whole catalogue") {
  for (const Batch& batch : {positions(), baskets(), uneven()}) {
    const Tensor<double> state = normal<double>({batch.target_segments.count(), 4});
    const Tensor<double> table = normal<double>({num_items, 4}, "table");
    for (const double scale : {1.0, 2.5}) {
      Tape<double> tape;
      const Var<double> x = tape.constant(state), w = tape.constant(table);
      const Var<double> log_p = log_softmax(heed::scale(matmul(x, transpose(w)), scale));
      const auto rows = query_of_targets(batch);
      double sum = 0;
      for (std::size_t t = 0; t < rows.size(); ++t) sum -= log_p.value()(rows[t], batch.targets[t]);
      const auto loss = next_item_loss(x, w, {}, batch, {.scale = scale});
      CHECK(loss.shape() == Shape{});
      CHECK(loss.item() == Approx(sum / static_cast<double>(rows.size())).epsilon(1e-12));
    }
  }
}

TEST_CASE("next_item_loss with sampling is sampled_loss with negatives from the tape's random numbers") {
  const std::pair<Kind, SampledLoss> pairs[] = {
      {Kind::sampled_softmax, SampledLoss::softmax}, {Kind::bce, SampledLoss::bce}, {Kind::gbce, SampledLoss::gbce}};
  for (const auto& [kind, sampled] : pairs) {
    for (const Batch& batch : {positions(), baskets(), uneven()}) {
      const Tensor<double> state = normal<double>({batch.target_segments.count(), 4});
      const Tensor<double> table = normal<double>({num_items, 4}, "table");
      const auto rows = query_of_targets(batch);
      const bool every_position = batch.target_segments.max_length() == 1;
      INFO("kind " << static_cast<int>(kind) << ", " << rows.size() << " targets of " << state.rows() << " queries");
      for (const Index negatives : {1, 5}) {
        // One set per sequence if its positions share one, otherwise one per target.
        const bool shared = kind == Kind::sampled_softmax && every_position;
        const auto items = drawn(Random(3), negatives * (shared ? batch.segments.count() : std::ssize(rows)));
        Tape<double> tape({.random = Random(3)});
        const Var<double> x = tape.constant(state), w = tape.constant(table);
        const auto loss =
            next_item_loss(x, w, {}, batch, {.kind = kind, .negatives = negatives, .calibration = 0.6, .scale = 1.5});
        const auto expected =
            sampled_loss(gather(x, std::span<const Index>(rows)), w, Var<double>(), batch.targets,
                         shared ? Negatives::of_sequences(items, batch.segments) : Negatives::of_rows(items),
                         {.loss = sampled, .scale = 1.5, .calibration = 0.6});
        CHECK(loss.shape() == Shape{});
        CHECK(loss.item() == Approx(expected.item()).epsilon(1e-12));
        CHECK(loss.item() != next_item_loss(x, w, {}, batch, {.kind = kind, .negatives = negatives}).item());
      }
    }
  }
}

TEST_CASE("next_item_loss with cosines is the loss of normalised rows, and next_item_logits returns their products") {
  for (const Kind kind : kinds) {
    for (const Batch& batch : {positions(), baskets(), uneven()}) {
      INFO("kind " << static_cast<int>(kind) << ", " << batch.targets.size() << " targets");
      const NextItemLoss plain{.kind = kind, .negatives = 5, .scale = 20};
      NextItemLoss cosine = plain;
      cosine.cosine = true;
      Tape<double> tape({.random = Random(3)}), other({.random = Random(3)});
      const auto inputs = [&](Tape<double>& on) {
        return std::array{on.variable(normal<double>({batch.target_segments.count(), 4})),
                          on.variable(normal<double>({num_items, 4}, "table")),
                          on.variable(normal<double>({num_items}, "bias"))};
      };
      const auto a = inputs(tape), b = inputs(other);
      const auto loss = next_item_loss(a[0], a[1], a[2], batch, cosine);
      const auto want = next_item_loss(normalize(b[0]), normalize(b[1]), b[2], batch, plain);
      CHECK(loss.item() == Approx(want.item()).epsilon(1e-12));
      backward(loss);
      backward(want);
      for (std::size_t i = 0; i < a.size(); ++i) {
        CHECK(testing::allclose(Tensor<double>(a[i].gradient()), Tensor<double>(b[i].gradient()), 1e-12));
      }
      const auto logits = recsys::next_item_logits(a[0], a[1], a[2], cosine);
      const auto wanted = recsys::next_item_logits(normalize(b[0]), normalize(b[1]), b[2], plain);
      CHECK(testing::allclose(Tensor<double>(logits.value()), Tensor<double>(wanted.value()), 1e-12));
    }
  }
}

TEST_CASE("next_item_loss samples by popularity, and sampled softmax corrects for it") {
  const Index counts[num_items] = {90, 1, 1, 5, 0, 20, 1, 2, 1};
  const recsys::ItemSampler sampler(counts, 0.5);
  for (const bool cosine : {false, true}) {
    for (const Kind kind : {Kind::sampled_softmax, Kind::bce, Kind::gbce}) {
      for (const Batch& batch : {positions(), baskets(), uneven()}) {
        INFO("kind " << static_cast<int>(kind) << ", cosine " << cosine << ", " << batch.targets.size() << " targets");
        const auto rows = query_of_targets(batch);
        const bool shared = kind == Kind::sampled_softmax && batch.target_segments.max_length() == 1;
        Tape<double> tape({.random = Random(3)}), other({.random = Random(3)});
        const Random stream = other.next_random();
        std::vector<Index> items(static_cast<std::size_t>(4 * (shared ? batch.segments.count() : std::ssize(rows))));
        for (std::size_t i = 0; i < items.size(); ++i) items[i] = sampler(stream, i);
        Var<double> x = tape.constant(normal<double>({batch.target_segments.count(), 4}));
        Var<double> w = tape.constant(normal<double>({num_items, 4}, "table"));
        const auto loss = next_item_loss(x, w, {}, batch,
                                         {.kind = kind, .negatives = 4, .popularity = 0.5, .cosine = cosine}, &sampler);
        SampledLossOptions options{.loss = SampledLoss::bce};
        if (kind == Kind::gbce) options.loss = SampledLoss::gbce;
        if (kind == Kind::sampled_softmax) {
          options.loss = SampledLoss::softmax;
          options.log_probabilities = sampler.log_probabilities();
        }
        if (cosine) {
          x = normalize(x);
          w = normalize(w);
        }
        const auto expected =
            sampled_loss(gather(x, std::span<const Index>(rows)), w, Var<double>(), batch.targets,
                         shared ? Negatives::of_sequences(items, batch.segments) : Negatives::of_rows(items), options);
        CHECK(loss.item() == Approx(expected.item()).epsilon(1e-12));
      }
    }
  }
}

TEST_CASE("next_item_loss, by hand: in-batch and uniform negatives, with the correction for both") {
  const Index counts[num_items] = {90, 1, 1, 5, 0, 20, 1, 2, 1};
  const recsys::ItemSampler sampler(counts, 1);
  for (const bool cosine : {false, true}) {
    for (const Index negatives : {Index{0}, Index{3}}) {
      for (const Batch& batch : {positions(), baskets(), uneven()}) {
        INFO("cosine " << cosine << ", " << negatives << " drawn, " << batch.targets.size() << " targets");
        const Tensor<double> state = normal<double>({batch.target_segments.count(), 4});
        const Tensor<double> table = normal<double>({num_items, 4}, "table"), bias = normal<double>({num_items}, "b");
        const auto rows = query_of_targets(batch);
        const Index given = std::ssize(batch.targets);
        std::vector<Index> others(batch.targets.begin(), batch.targets.end());
        const auto more = drawn(Random(3), negatives);
        others.insert(others.end(), more.begin(), more.end());
        double total = 0;
        for (const Index count : counts) total += static_cast<double>(std::max<Index>(count, 1));
        double sum = 0;
        for (std::size_t t = 0; t < rows.size(); ++t) {
          const auto logit = [&](Index item) {
            const auto x = state.matrix().row(rows[t]), w = table.matrix().row(item);
            const double share = static_cast<double>(std::max<Index>(counts[item], 1)) / total;
            const double often = static_cast<double>(given) * share + static_cast<double>(negatives) / num_items;
            return x.dot(w) / (cosine ? x.norm() * w.norm() : 1) + bias.vector()(item) - std::log(often);
          };
          double all = std::exp(logit(batch.targets[t]));
          for (const Index item : others) all += item == batch.targets[t] ? 0 : std::exp(logit(item));
          sum += std::log(all) - logit(batch.targets[t]);
        }
        Tape<double> tape({.random = Random(3)});
        const NextItemLoss loss{
            .kind = Kind::sampled_softmax, .negatives = negatives, .in_batch = true, .cosine = cosine};
        const auto got =
            next_item_loss(tape.constant(state), tape.constant(table), tape.constant(bias), batch, loss, &sampler);
        CHECK(got.item() == Approx(sum / static_cast<double>(rows.size())).epsilon(1e-10));
        const auto result = test::gradcheck_module({}, {state, table, bias},
                                                   [&](Tape<double>&, std::span<const Var<double>> x) {
                                                     return next_item_loss(x[0], x[1], x[2], batch, loss, &sampler);
                                                   },
                                                   {.tape = {.training = true, .random = Random(4)}});
        INFO(result.message());
        CHECK(result);
      }
    }
  }
}

TEST_CASE("sampled softmax with logQ converges to the loss over the whole catalogue for every kind of sampling") {
  // Two queries; a thousand samples of a catalogue of nine approximate all of it.
  Batch batch = positions();
  const Tensor<double> state = normal<double>({batch.target_segments.count(), 4});
  const Tensor<double> table = normal<double>({num_items, 4}, "table");
  const Index counts[num_items] = {90, 3, 7, 5, 9, 20, 4, 2, 30};
  const recsys::ItemSampler sampler(counts, 1);
  Tape<double> tape({.random = Random(1)});
  const auto x = tape.constant(state), w = tape.constant(table);
  const auto loss = [&](const NextItemLoss& options) {
    return next_item_loss(x, w, {}, batch, options, &sampler).item();
  };
  // Samples without the target represent the other items: the target's own logit counts once, as N of them do.
  const auto expected = [&](bool popular) {
    double sum = 0;
    for (Index i = 0; i < state.rows(); ++i) {
      const Index target = batch.targets[static_cast<std::size_t>(i)];
      const auto logit = [&](Index item) { return state.matrix().row(i).dot(table.matrix().row(item)); };
      const double q =
          popular ? std::exp(sampler.log_probabilities()[static_cast<std::size_t>(target)]) : 1.0 / num_items;
      double others = 0;
      for (Index item = 0; item < num_items; ++item) others += item == target ? 0 : std::exp(logit(item));
      const double own = std::exp(logit(target)) / q;
      sum += -std::log(own / (own + 20000 * others));
    }
    return sum / static_cast<double>(state.rows());
  };
  CHECK(loss({.kind = Kind::sampled_softmax, .negatives = 20000}) == Approx(expected(false)).epsilon(0.01));
  CHECK(loss({.kind = Kind::sampled_softmax, .negatives = 20000, .popularity = 1}) ==
        Approx(expected(true)).epsilon(0.01));
}

TEST_CASE("next_item_loss excludes the items of a sequence from its negatives if there are others") {
  // An item of the sequence that is not a target then has no gradient.
  const auto log = test::circle_log(3, num_items, 4);
  for (const Kind kind : {Kind::sampled_softmax, Kind::bce}) {
    for (const bool next_basket : {true, false}) {
      const Batch batch = test::batch_of_all(log, next_basket);
      Batch one = batch;
      one.segments.assign(std::vector<Index>{batch.segments.length(0)});
      one.items.resize(static_cast<std::size_t>(batch.segments.length(0)));
      one.query_segments.assign(std::vector<Index>{batch.query_segments.length(0)});
      one.target_segments.assign(std::vector<Index>(static_cast<std::size_t>(batch.query_segments.length(0)), 1));
      one.targets.resize(static_cast<std::size_t>(batch.query_segments.length(0)));
      std::set<Index> own(one.items.begin(), one.items.end());
      own.insert(one.targets.begin(), one.targets.end());
      Tape<double> tape({.random = Random(2)});
      const auto x = tape.constant(normal<double>({one.target_segments.count(), 4}));
      const auto w = tape.variable(normal<double>({num_items, 4}, "table"));
      backward(next_item_loss(x, w, {}, one, {.kind = kind, .negatives = 60, .exclude_history = true}));
      const Tensor<double> gradient(w.gradient());
      const std::set<Index> targets(one.targets.begin(), one.targets.end());
      for (Index item = 0; item < num_items; ++item) {
        INFO("item " << item);
        const bool used = gradient.matrix().row(item).cwiseAbs().maxCoeff() > 0;
        CHECK(used == (targets.contains(item) || !own.contains(item)));
      }
    }
  }
  // For a sequence with all items sampling terminates.
  const auto all = test::batch_of_all(test::circle_log(2, 5, 5), false);
  Tape<double> tape({.random = Random(2)});
  const auto x = tape.constant(normal<double>({all.target_segments.count(), 4}));
  const auto w = tape.constant(normal<double>({5, 4}, "table"));
  CHECK(std::isfinite(
      next_item_loss(x, w, {}, all, {.kind = Kind::bce, .negatives = 3, .exclude_history = true}).item()));
}

TEST_CASE("next_item_loss: the gradients with respect to states and table are correct") {
  for (const Kind kind : kinds) {
    for (const Batch& batch : {positions(), baskets(), uneven()}) {
      for (const bool cosine : {false, true}) {
        INFO("kind " << static_cast<int>(kind) << ", " << batch.targets.size() << " targets");
        const auto result = test::gradcheck_module(
            {}, {normal<double>({batch.target_segments.count(), 4}), normal<double>({num_items, 4}, "table")},
            [&](Tape<double>&, std::span<const Var<double>> x) {
              return next_item_loss(x[0], x[1], {}, batch, {.kind = kind, .negatives = 3, .cosine = cosine});
            },
            {.tape = {.training = true, .random = Random(4)}});
        INFO(result.message());
        CHECK(result);
      }
    }
  }
}

TEST_CASE("next_item_loss adds to the gradient of a table that is a parameter") {
  const Batch batch = positions();
  for (const Kind kind : kinds) {
    Parameter<float> table({num_items, 4});
    nn::init_normal(table, Random(1), 1);
    Tape<float> tape({.training = true, .random = Random(2)});
    const auto x = tape.variable(normal<float>({batch.target_segments.count(), 4}));
    backward(next_item_loss(x, tape.parameter(table), {}, batch, {.kind = kind, .negatives = 2}));
    for (const Index target : batch.targets) {
      CHECK(table.gradient().matrix().row(target).cwiseAbs().maxCoeff() > 0);
    }
    CHECK(Tensor<float>(x.gradient()).array().abs().maxCoeff() > 0);
  }
}

TEST_CASE("next_item_loss rejects invalid arguments") {
  Tape<float> tape;
  Batch batch = positions();
  const Index queries = batch.target_segments.count();
  const auto state = tape.constant(normal<float>({queries, 4})), table = tape.constant(normal<float>({num_items, 4}));
  for (const Kind kind : {Kind::sampled_softmax, Kind::bce, Kind::gbce}) {
    CHECK(error_of<OptionError>([&] { next_item_loss(state, table, {}, batch, {.kind = kind, .negatives = 0}); }) ==
          "next_item_loss: negatives 0");
  }
  CHECK(error_of<OptionError>([&] { next_item_loss(state, table, {}, batch, {.kind = Kind::bce, .popularity = 1}); }) ==
        "next_item_loss: popularity and in-batch negatives require a sampler of 9 items, got 0");
  CHECK(error_of<OptionError>([&] {
          next_item_loss(state, table, {}, batch, {.kind = Kind::sampled_softmax, .in_batch = true});
        }) == "next_item_loss: popularity and in-batch negatives require a sampler of 9 items, got 0");
  for (const NextItemLoss& loss :
       {NextItemLoss{.in_batch = true}, NextItemLoss{.kind = Kind::bce, .in_batch = true},
        NextItemLoss{.kind = Kind::sampled_softmax, .popularity = 1, .in_batch = true},
        NextItemLoss{.kind = Kind::sampled_softmax, .in_batch = true, .exclude_history = true}}) {
    CHECK(error_of<OptionError>([&] { next_item_loss(state, table, {}, batch, loss); }) ==
          "next_item_loss: in_batch requires sampled_softmax without popularity and exclude_history");
  }
  CHECK(error_of<OptionError>([&] {
          next_item_loss(state, table, {}, batch, {.kind = Kind::gbce, .calibration = 2});
        }) == "sampled_loss: calibration 2.000000 is not in [0, 1]");
  for (const Kind kind : kinds) {
    CHECK(error_of<ShapeError>([&] {
            next_item_loss(tape.constant(normal<float>({2, 4})), table, {}, batch, {.kind = kind});
          }) == message("expand: input [2, 4] for ", queries, " segments"));
    CHECK(error_of<ShapeError>([&] {
            next_item_loss(state, tape.constant(normal<float>({num_items, 3})), {}, batch, {.kind = kind});
          }) != "");
  }
  batch.target_segments.assign(std::vector<Index>(static_cast<std::size_t>(queries) + 1, 0));
  CHECK(error_of<ShapeError>([&] { next_item_loss(state, table, {}, batch, {}); }) != "");
  batch = positions();
  batch.targets[1] = num_items;
  CHECK(error_of<IndexError>([&] { next_item_loss(state, table, {}, batch, {}); }) ==
        "linear_cross_entropy: target 9 of row 1 is not one of 9 items");
  const recsys::ItemSampler sampler(std::array<Index, num_items>{1}, 1);
  for (const Index bad : {num_items, Index{-1}}) {
    batch.targets[1] = bad;
    for (const NextItemLoss& loss : {NextItemLoss{.kind = Kind::bce}, NextItemLoss{.kind = Kind::bce, .cosine = true},
                                     NextItemLoss{.kind = Kind::sampled_softmax, .in_batch = true},
                                     NextItemLoss{.kind = Kind::sampled_softmax, .in_batch = true, .cosine = true}}) {
      CHECK(error_of<IndexError>([&] { next_item_loss(state, table, {}, batch, loss, &sampler); }) ==
            message("next_item_loss: target ", bad, " of row 1 is not one of 9 items"));
    }
  }
}

}  // namespace HEED_TEST_UNIT
