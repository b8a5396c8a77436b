// SPDX-License-Identifier: Apache-2.0
// A hidden Markov model over items: the next item depends on a latent state.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/random.hpp"
#include "heed/core/view.hpp"
#include "heed/data/interactions.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/recsys/ranker.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::recsys {

struct HiddenMarkovOptions {
  Index states = 30;
  Index iterations = 50;    ///< of Baum-Welch, at most
  double tolerance = 1e-5;  ///< training ends when an iteration improves the objective by less than this per event
  double smoothing = 0.1;   ///< added to every expected count of an item in a state
  Random random{};          ///< of the initial parameters

  void fields(auto&& visitor) {
    visitor("states", states, "iterations", iterations, "tolerance", tolerance, "smoothing", smoothing, "random",
            random);
  }
};

/// p(first state) = initial, p(state j after state i) = transitions(i, j), p(item v in state j) = emissions(j, v):
/// trained by Baum-Welch (Rabiner 1989, "A tutorial on hidden Markov models") on one sequence of events per user. Use
/// double: probabilities of millions of events are summed.
///
/// The forward and backward variables are normalised to sum to one at each event, and the logarithms of the divisors
/// are summed (Rabiner, section V-A). A test shows that this equals log space up to rounding; it costs one
/// matrix-vector product per event, log space a logarithm and an exponential for every pair of states.
template <class Scalar = float>
class HiddenMarkov {
 public:
  /// Trains on the first `ends[u]` events of every user u. Throws ShapeError when `ends` does not have one entry per
  /// user, OptionError on options out of range.
  HiddenMarkov(const data::Interactions& log, std::span<const Index> ends, const HiddenMarkovOptions& options = {})
      : states_(options.states), items_(log.num_items()) {
    if (static_cast<Index>(ends.size()) != log.num_users()) {
      fail<ShapeError>(name, "wanted ", log.num_users(), " ends, got ", ends.size());
    }
    if (options.states < 1 || options.iterations < 0 || !(options.tolerance >= 0) || !(options.smoothing >= 0)) {
      fail<OptionError>(name, "states ", options.states, ", iterations ", options.iterations, ", tolerance ",
                        options.tolerance, ", smoothing ", options.smoothing);
    }
    start(log, ends, options);
    Index events = 0;
    for (const Index end : ends) events += end;
    for (Index i = 0; i < options.iterations && events > 0; ++i) {
      Counts counts(states_, items_);
      double objective = log_prior(static_cast<Scalar>(options.smoothing));
      for (data::Id u = 0; u < log.num_users(); ++u) {
        objective += count(log.user(u).first(ends[static_cast<std::size_t>(u)]).items, counts);
      }
      objective_.push_back(objective);
      maximise(counts, static_cast<Scalar>(options.smoothing));
      const auto n = objective_.size();
      if (n > 1 && objective - objective_[n - 2] < options.tolerance * static_cast<double>(events)) break;
    }
    by_state_.resize(by_item_.size());
    for (Index v = 0; v < items_; ++v) {
      for (Index k = 0; k < states_; ++k) by_state_[at(k, v, items_)] = by_item_[at(v, k, states_)];
    }
  }

  Index num_items() const { return items_; }
  Index num_states() const { return states_; }
  std::span<const Scalar> initial() const { return initial_; }          ///< [states]
  std::span<const Scalar> transitions() const { return transitions_; }  ///< [states, states], from row to column
  std::span<const Scalar> emissions() const { return by_state_; }       ///< [states, items]

  /// Returns the objective of Baum-Welch before each iteration: the log-likelihood of the training events plus
  /// smoothing times the sum of the logarithms of all emissions (the Dirichlet prior equivalent to smoothing).
  std::span<const double> objective() const { return objective_; }

  /// Returns ln p(items), -infinity for an impossible sequence.
  double log_likelihood(std::span<const data::Id> items) const {
    std::vector<Scalar> state(static_cast<std::size_t>(states_)), next(state.size());
    double sum = 0;
    filter(items, state, next, [&](Scalar scale) { sum += std::log(static_cast<double>(scale)); });
    return sum;
  }

  /// Writes p(next item | history) for every item; `scores` [items]. Items of the history that no state emits (possible
  /// without smoothing) are ignored. Throws ShapeError on another size.
  void score(const data::History& past, std::span<double> scores) const {
    check_scores(name, scores, items_);
    std::vector<Scalar> state(static_cast<std::size_t>(states_)), next(state.size()), out(scores.size());
    filter(past.items, state, next, [](Scalar) {});
    multiply(next.data(), by_state_.data(), out.data(), items_);
    std::copy(out.begin(), out.end(), scores.begin());
  }

 private:
  static constexpr std::string_view name = "hidden_markov";
  using P = simd::Pack<Scalar>;

  static std::size_t at(Index row, Index column, Index columns) {
    return static_cast<std::size_t>(row * columns + column);
  }

  /// The sums of an iteration: expected counts over the training events, given the current parameters.
  struct Counts {
    Counts(Index k, Index v) : initial(static_cast<std::size_t>(k)), transitions(at(k, 0, k)), by_item(at(v, 0, k)) {}
    std::vector<Scalar> initial;      // [states]
    std::vector<Scalar> transitions;  // [states, states], to be multiplied by the current transitions
    std::vector<Scalar> by_item;      // [items, states]
    std::vector<Scalar> forward, backward, scale,
        step;  // of the current sequence: [events, states], [events], [states]
  };

  /// y [n] = x [states] M [states, n]
  void multiply(const Scalar* x, const Scalar* m, Scalar* y, Index n) const {
    kernels::gemm<Scalar>({x, {1, states_}}, {m, {states_, n}}, {y, {1, n}});
  }

  /// state = x * y divided by its sum, which is returned; x itself if the sum is 0.
  Scalar observe(const Scalar* x, const Scalar* y, Scalar* state) const {
    P sum(Scalar{0});
    simd::for_each_pack<P>(states_, [&](Index i, Index n) {
      const P product = simd::load<P>(x + i, n) * simd::load<P>(y + i, n);
      sum = sum + product;
      simd::store(product, state + i, n);
    });
    const Scalar scale = reduce_sum(sum);
    const bool possible = scale > 0;
    const P inverse(possible ? Scalar{1} / scale : Scalar{1});
    const Scalar* from = possible ? state : x;
    simd::for_each_pack<P>(states_,
                           [&](Index i, Index n) { simd::store(simd::load<P>(from + i, n) * inverse, state + i, n); });
    return scale;
  }

  const Scalar* emission(data::Id item) const { return by_item_.data() + at(item, 0, states_); }

  /// state = p(state at the last event | items), next = p(state after it | items); `scaled` is called with p(item |
  /// earlier items) for every event.
  template <class Scaled>
  void filter(std::span<const data::Id> items, std::vector<Scalar>& state, std::vector<Scalar>& next,
              Scaled&& scaled) const {
    next = initial_;
    for (const data::Id item : items) {
      scaled(observe(next.data(), emission(item), state.data()));
      multiply(state.data(), transitions_.data(), next.data(), states_);
    }
  }

  /// Initialises emissions with the items' shares of all events and transitions uniformly, both multiplied by samples
  /// of an exponential distribution: the average over states is right from the start, and the states differ enough to
  /// leave the plateau where all states are equal.
  void start(const data::Interactions& log, std::span<const Index> ends, const HiddenMarkovOptions& options) {
    Counts counts(states_, items_);
    for (data::Id u = 0; u < log.num_users(); ++u) {
      for (const data::Id item : log.user(u).first(ends[static_cast<std::size_t>(u)]).items) {
        counts.by_item[at(item, 0, states_)] += 1;
      }
    }
    const auto chance = [](Random random, Index i) {
      return static_cast<Scalar>(-std::log1p(-random.uniform(static_cast<std::uint64_t>(i))));
    };
    const Random transitions = options.random.fork("transitions"), emissions = options.random.fork("emissions");
    for (Index v = 0; v < items_; ++v) {
      Scalar* row = counts.by_item.data() + at(v, 0, states_);
      for (Index k = states_ - 1; k >= 0; --k) row[k] = row[0] * chance(emissions, v * states_ + k);
    }
    for (Index i = 0; i < states_ * states_; ++i) {
      counts.transitions[static_cast<std::size_t>(i)] = chance(transitions, i);
    }
    std::fill(counts.initial.begin(), counts.initial.end(), Scalar{1});
    const Scalar same = Scalar{1} / static_cast<Scalar>(states_);
    initial_.assign(counts.initial.size(), same);
    transitions_.assign(counts.transitions.size(), same);
    by_item_.assign(counts.by_item.size(), Scalar{1} / static_cast<Scalar>(std::max<Index>(items_, 1)));
    maximise(counts, static_cast<Scalar>(options.smoothing));
  }

  /// Adds the expected counts of one sequence (the E step) to `counts` and returns its log-likelihood.
  double count(std::span<const data::Id> items, Counts& counts) const {
    const auto events = static_cast<Index>(items.size());
    if (events == 0) return 0;
    const Index k = states_;
    counts.forward.resize(at(events, 0, k));
    counts.backward.resize(counts.forward.size());
    counts.scale.resize(items.size());
    counts.step.resize(static_cast<std::size_t>(k));
    const auto forward = [&](Index t) { return counts.forward.data() + at(t, 0, k); };
    double sum = 0;
    std::copy(initial_.begin(), initial_.end(), counts.step.begin());
    for (Index t = 0; t < events; ++t) {
      if (t > 0) multiply(forward(t - 1), transitions_.data(), counts.step.data(), k);
      const auto e = static_cast<std::size_t>(t);
      counts.scale[e] = observe(counts.step.data(), emission(items[e]), forward(t));
      sum += std::log(static_cast<double>(counts.scale[e]));
    }
    // backward(t) = emission * p(later items | state at t) / scale: the weight of the transition into t.
    std::fill(counts.step.begin(), counts.step.end(), Scalar{1});
    for (Index t = events - 1; t >= 0; --t) {
      const data::Id item = items[static_cast<std::size_t>(t)];
      const P inverse(Scalar{1} / counts.scale[static_cast<std::size_t>(t)]);
      const Scalar *alpha = forward(t), *emitted = emission(item), *beta = counts.step.data();
      Scalar *weighed = counts.backward.data() + at(t, 0, k), *counted = counts.by_item.data() + at(item, 0, k);
      Scalar* first = t == 0 ? counts.initial.data() : nullptr;
      simd::for_each_pack<P>(k, [&](Index i, Index n) {
        const P b = simd::load<P>(beta + i, n), a = simd::load<P>(alpha + i, n);
        simd::store(fma(a, b, simd::load<P>(counted + i, n)), counted + i, n);
        if (first != nullptr) simd::store(fma(a, b, simd::load<P>(first + i, n)), first + i, n);
        simd::store(simd::load<P>(emitted + i, n) * b * inverse, weighed + i, n);
      });
      if (t > 0) multiply(weighed, transposed_.data(), counts.step.data(), k);
    }
    kernels::gemm_tn<Scalar>({counts.forward.data(), {events - 1, k}}, {counts.backward.data() + k, {events - 1, k}},
                             {counts.transitions.data(), {k, k}}, {.accumulate = true});
    return sum;
  }

  /// Sets the parameters that maximise the expected objective (the M step). A state that is never reached is unchanged.
  void maximise(const Counts& counts, Scalar smoothing) {
    const Index k = states_;
    normalise(counts.initial.data(), initial_.data(), k);
    for (Index i = 0; i < k; ++i) {
      Scalar* row = transitions_.data() + at(i, 0, k);
      const Scalar* counted = counts.transitions.data() + at(i, 0, k);
      std::vector<Scalar> expected(static_cast<std::size_t>(k));
      for (Index j = 0; j < k; ++j) expected[static_cast<std::size_t>(j)] = counted[j] * row[j];
      normalise(expected.data(), row, k);
    }
    transposed_.resize(transitions_.size());
    for (Index i = 0; i < k; ++i) {
      for (Index j = 0; j < k; ++j) transposed_[at(j, i, k)] = transitions_[at(i, j, k)];
    }
    std::vector<Scalar> total(static_cast<std::size_t>(k), smoothing * static_cast<Scalar>(items_));
    for (std::size_t i = 0; i < counts.by_item.size(); ++i) total[i % total.size()] += counts.by_item[i];
    for (std::size_t i = 0; i < counts.by_item.size(); ++i) {
      const Scalar sum = total[i % total.size()];
      if (sum > 0) by_item_[i] = (counts.by_item[i] + smoothing) / sum;
    }
  }

  static void normalise(const Scalar* counts, Scalar* out, Index n) {
    Scalar sum = 0;
    for (Index i = 0; i < n; ++i) sum += counts[i];
    for (Index i = 0; i < n && sum > 0; ++i) out[i] = counts[i] / sum;
  }

  double log_prior(Scalar smoothing) const {
    double sum = 0;
    for (std::size_t i = 0; i < by_item_.size() && smoothing > 0; ++i)
      sum += std::log(static_cast<double>(by_item_[i]));
    return static_cast<double>(smoothing) * sum;
  }

  Index states_, items_;
  std::vector<Scalar> initial_;                   // [states]
  std::vector<Scalar> transitions_, transposed_;  // [states, states]
  std::vector<Scalar> by_item_;                   // [items, states] emissions, those of an item contiguous
  std::vector<Scalar> by_state_;                  // [states, items] the same, for scores
  std::vector<double> objective_;
};
HiddenMarkov(const data::Interactions&, std::span<const Index>, const HiddenMarkovOptions& = {}) -> HiddenMarkov<float>;

}  // namespace heed::inline HEED_ABI::recsys
