// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/hidden_markov.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "heed/recsys/evaluate.hpp"

namespace HEED_TEST_UNIT {

using heed::Index;
using namespace heed::recsys;
using Items = std::vector<std::int32_t>;
using Numbers = std::vector<double>;

namespace {

heed::data::Interactions log_of(const std::vector<Items>& users) {
  heed::data::InteractionsBuilder builder({});
  std::int32_t most = 0;
  for (const Items& user : users) {
    for (const auto item : user) most = std::max(most, item);
  }
  for (std::int32_t item = 0; item <= most; ++item) builder.add("everybody", std::to_string(item));
  for (std::size_t u = 0; u < users.size(); ++u) {
    for (const auto item : users[u]) builder.add("user " + std::to_string(u), std::to_string(item));
  }
  return std::move(builder).build();
}

/// All events, except those of "everybody", which only fixes the item ids.
std::vector<Index> ends_of(const heed::data::Interactions& log) {
  std::vector<Index> ends = {0};
  for (heed::data::Id u = 1; u < log.num_users(); ++u) ends.push_back(log.length(u));
  return ends;
}

/// The parameters of a model, and its probabilities by the definition: sums over all paths of states.
struct Plain {
  Index states, items;
  Numbers initial, transitions, emissions;  // [states], [states, states], [states, items]

  explicit Plain(const HiddenMarkov<double>& model)
      : states(model.num_states()),
        items(model.num_items()),
        initial(model.initial().begin(), model.initial().end()),
        transitions(model.transitions().begin(), model.transitions().end()),
        emissions(model.emissions().begin(), model.emissions().end()) {}

  double a(Index i, Index j) const { return transitions[static_cast<std::size_t>(i * states + j)]; }
  double b(Index j, Index v) const { return emissions[static_cast<std::size_t>(j * items + v)]; }

  /// Calls body(path, p(path, sequence)) for every path.
  template <class Body>
  void paths(const Items& sequence, Body&& body) const {
    std::vector<Index> path(sequence.size());
    while (true) {
      double p = 1;
      for (std::size_t t = 0; t < path.size(); ++t) {
        p *= (t == 0 ? initial[static_cast<std::size_t>(path[0])] : a(path[t - 1], path[t])) * b(path[t], sequence[t]);
      }
      body(path, p);
      std::size_t t = 0;
      while (t < path.size() && ++path[t] == states) path[t++] = 0;
      if (t == path.size()) return;
    }
  }
  double probability(const Items& sequence) const {
    double sum = 0;
    paths(sequence, [&](const auto&, double p) { sum += p; });
    return sum;
  }

  /// ln p(sequence) in log space: logarithms of sums of exponentials, without scaling.
  double log_likelihood(const Items& sequence) const {
    const auto log_sum = [](const Numbers& logs) {
      const double most = *std::max_element(logs.begin(), logs.end());
      double sum = 0;
      for (const double x : logs) sum += std::exp(x - most);
      return most + std::log(sum);
    };
    Numbers state(initial.size()), next(initial.size()), terms(initial.size());
    for (std::size_t t = 0; t < sequence.size(); ++t) {
      for (std::size_t j = 0; j < next.size(); ++j) {
        for (std::size_t i = 0; i < next.size(); ++i) {
          terms[i] = state[i] + std::log(a(static_cast<Index>(i), static_cast<Index>(j)));
        }
        next[j] = (t == 0 ? std::log(initial[j]) : log_sum(terms)) + std::log(b(static_cast<Index>(j), sequence[t]));
      }
      state = next;
    }
    return log_sum(state);
  }
};

/// Sequences of a known model: three states that mostly stay; state s mostly emits items 4 s .. 4 s + 3.
std::vector<Items> planted(Index users, Index length) {
  std::vector<Items> out;
  for (heed::data::Id u = 0; u < users; ++u) {
    const heed::Random random = heed::Random(9).fork(static_cast<std::uint64_t>(u));
    Items& items = out.emplace_back();
    Index state = random.below(0, 3);
    for (std::uint64_t t = 1; t <= static_cast<std::uint64_t>(length); ++t) {
      const bool own = random.uniform(10 * t) < 0.94;
      items.push_back(
          static_cast<std::int32_t>(own ? 4 * state + random.below(10 * t + 1, 4) : random.below(10 * t + 2, 12)));
      if (random.uniform(10 * t + 3) < 0.2) state = (state + 1) % 3;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("a hidden Markov model agrees with the sum over all paths", "[recsys][hidden_markov]") {
  const std::vector<Items> users = {{0, 1, 2, 1}, {3, 3, 0}, {2}};
  const auto log = log_of(users);
  const HiddenMarkovOptions options{.states = 3, .iterations = 0, .smoothing = 0.5, .random = heed::Random(2)};
  const HiddenMarkov<double> model(log, ends_of(log), options);
  const Plain plain(model);
  double sum = 0;
  for (const Items& items : users) {
    CHECK(model.log_likelihood(items) == Approx(std::log(plain.probability(items))).epsilon(1e-12));
    CHECK(plain.log_likelihood(items) == Approx(std::log(plain.probability(items))).epsilon(1e-12));
    sum += std::log(plain.probability(items));
    Numbers scores(4);
    model.score({.items = items, .times = {}}, scores);
    for (std::int32_t v = 0; v < 4; ++v) {
      Items longer = items;
      longer.push_back(v);
      CHECK(scores[static_cast<std::size_t>(v)] ==
            Approx(plain.probability(longer) / plain.probability(items)).epsilon(1e-12));
    }
  }
  CHECK(model.log_likelihood({}) == 0);
  Numbers first(4);
  model.score({}, first);
  for (std::int32_t v = 0; v < 4; ++v) {
    CHECK(first[static_cast<std::size_t>(v)] == Approx(plain.probability({v})).epsilon(1e-12));
  }

  // One iteration, by the definition of expected counts.
  auto once = options;
  once.iterations = 1;
  const HiddenMarkov<double> trained(log, ends_of(log), once);
  Numbers initial(3), transitions(9), emissions(12, 0.5);
  for (const Items& items : users) {
    plain.paths(items, [&](const std::vector<Index>& path, double p) {
      p /= plain.probability(items);
      initial[static_cast<std::size_t>(path[0])] += p / 3;
      for (std::size_t t = 0; t < path.size(); ++t) {
        emissions[static_cast<std::size_t>(path[t] * 4 + items[t])] += p;
        if (t > 0) transitions[static_cast<std::size_t>(path[t - 1] * 3 + path[t])] += p;
      }
    });
  }
  const auto normalise = [](Numbers& rows, std::size_t width) {
    for (std::size_t r = 0; r < rows.size(); r += width) {
      double total = 0;
      for (std::size_t i = r; i < r + width; ++i) total += rows[i];
      for (std::size_t i = r; i < r + width; ++i) rows[i] /= total;
    }
  };
  normalise(transitions, 3);
  normalise(emissions, 4);
  for (std::size_t i = 0; i < 3; ++i) CHECK(trained.initial()[i] == Approx(initial[i]).epsilon(1e-12));
  for (std::size_t i = 0; i < 9; ++i) CHECK(trained.transitions()[i] == Approx(transitions[i]).epsilon(1e-12));
  for (std::size_t i = 0; i < 12; ++i) CHECK(trained.emissions()[i] == Approx(emissions[i]).epsilon(1e-12));
  REQUIRE(trained.objective().size() == 1);
  for (const double p : plain.emissions) sum += 0.5 * std::log(p);
  CHECK(trained.objective()[0] == Approx(sum).epsilon(1e-12));
}

TEST_CASE("the scaled recursion agrees with log space where probabilities underflow", "[recsys][hidden_markov]") {
  const auto users = planted(1, 5000);
  const auto log = log_of(users);
  const HiddenMarkov<double> model(log, ends_of(log), {.states = 7, .iterations = 5});
  const double reference = Plain(model).log_likelihood(users[0]);
  CHECK(reference < -5000);  // a probability below the smallest double
  CHECK(model.log_likelihood(users[0]) == Approx(reference).epsilon(1e-12));
}

TEST_CASE("Baum-Welch never decreases the objective", "[recsys][hidden_markov]") {
  const auto log = log_of(planted(20, 30));
  const double smoothing = GENERATE(0.0, 0.1, 2.0);
  const Index states = GENERATE(1, 3, 8, 17);
  const HiddenMarkov<double> model(log, ends_of(log),
                                   {.states = states, .iterations = 40, .tolerance = 0, .smoothing = smoothing});
  const auto objective = model.objective();
  for (std::size_t i = 1; i < objective.size(); ++i) {
    CHECK(objective[i] >= objective[i - 1] - 1e-11 * std::abs(objective[i]));
  }
  if (states > 1) CHECK(objective.back() > objective.front() + 1);
}

TEST_CASE("the parameters of a known hidden Markov model are recovered", "[recsys][hidden_markov]") {
  const auto log = log_of(planted(300, 40));
  const HiddenMarkov<double> model(log, ends_of(log), {.states = 3, .iterations = 200, .tolerance = 1e-6});
  Items match;  // the true state of each learned state
  for (Index k = 0; k < 3; ++k) {
    const auto row = model.emissions().subspan(static_cast<std::size_t>(12 * k), 12);
    match.push_back(static_cast<std::int32_t>((std::max_element(row.begin(), row.end()) - row.begin()) / 4));
    for (std::size_t v = 0; v < 12; ++v) {
      const bool own = v / 4 == static_cast<std::size_t>(match.back());
      CHECK(row[v] == Approx((own ? 0.94 / 4 : 0) + 0.06 / 12).margin(0.02));
    }
  }
  CHECK(heed::data::distinct(match) == Items{0, 1, 2});
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j) {
      const double wanted = match[j] == match[i] ? 0.8 : match[j] == (match[i] + 1) % 3 ? 0.2 : 0;
      CHECK(model.transitions()[3 * i + j] == Approx(wanted).margin(0.04));
    }
  }
}

TEST_CASE("a hidden Markov model: valid and invalid arguments", "[recsys][hidden_markov]") {
  const auto log = log_of({{0, 1, 0, 1, 0}, {2}});
  const auto ends = ends_of(log);
  using Model = HiddenMarkov<double>;
  const Model one(log, ends, {.states = 4, .random = heed::Random(1)});
  const Model same(log, ends, {.states = 4, .random = heed::Random(1)});
  CHECK(std::equal(one.emissions().begin(), one.emissions().end(), same.emissions().begin()));
  const Model seed(log, ends, {.states = 4, .random = heed::Random(2)});
  CHECK_FALSE(std::equal(one.emissions().begin(), one.emissions().end(), seed.emissions().begin()));
  const std::vector<heed::data::History> pasts = {log.user(1).first(5), log.user(1).first(4)};
  CHECK(ScoreRanker(one)(pasts, {.k = 1}) == std::vector<Items>{{1}, {0}});

  // Without smoothing an item without events is ignored in a history, and not recommended.
  const Model bare(log, std::vector<Index>{0, 5, 0}, {.states = 2, .smoothing = 0});
  const Items with = {0, 2}, without = {0};
  CHECK(bare.log_likelihood(with) == -std::numeric_limits<double>::infinity());
  Numbers scores(3);
  bare.score({.items = with, .times = {}}, scores);
  CHECK(scores[2] == 0);
  CHECK(scores[0] + scores[1] == Approx(1));
  const Model untrained(log, std::vector<Index>{0, 0, 0}, {.states = 2, .smoothing = 0});  // no training events
  untrained.score({}, scores);
  CHECK(scores[0] + scores[1] + scores[2] == Approx(1));

  CHECK_THROWS_AS(Model(log, std::vector<Index>{1}), heed::ShapeError);
  CHECK_THROWS_AS(Model(log, ends, {.states = 0}), heed::OptionError);
  CHECK_THROWS_AS(Model(log, ends, {.iterations = -1}), heed::OptionError);
  CHECK_THROWS_AS(Model(log, ends, {.smoothing = -1}), heed::OptionError);
  scores.pop_back();
  CHECK_THROWS_WITH(one.score({}, scores), "hidden_markov: wanted 3 scores, got 2");
}

}  // namespace HEED_TEST_UNIT
