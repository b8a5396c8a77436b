// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of attention operations: masks as numbers, and the reference applied to all sequences.
#pragma once

#include <limits>
#include <vector>

#include "heed/core/mask.hpp"
#include "heed/core/segments.hpp"
#include "heed/core/tensor.hpp"
#include "ops/joined.hpp"

namespace heed::test {

/// A mask of each kind and its documented meaning, for sequences of at most 8 queries and 8 keys.
struct MaskOf {
  std::string label;
  Mask mask;
  /// Returns the number added to the score of (query i, key j) of sequence b; -infinity if the pair is hidden.
  std::function<double(Index b, Index i, Index j, Index queries, Index keys)> number;

  Tensor<double> numbers(Index b, Index queries, Index keys) const {
    Tensor<double> out({queries, keys});
    for (Index i = 0; i < queries; ++i) {
      for (Index j = 0; j < keys; ++j) out(i, j) = number(b, i, j, queries, keys);
    }
    return out;
  }
};

/// For `count` sequences.
inline std::vector<MaskOf> every_mask(Index count) {
  constexpr double hides = -std::numeric_limits<double>::infinity();
  constexpr Index most = 8;
  const Random random(21);
  std::vector<Index> lengths;
  for (Index b = 0; b < count; ++b) lengths.push_back((b * 2 + 1) % 4);
  Tensor<float> one({most, most}), each({count, most, most});
  for (Index i = 0; i < one.size(); ++i) one.data()[i] = random.uniform(static_cast<std::uint64_t>(i)) < 0.6;
  for (Index i = 0; i < each.size(); ++i) each.data()[i] = random.uniform(static_cast<std::uint64_t>(i + 64)) < 0.6;
  std::fill_n(one.view().row(0), most, 0.0f);  // a query without a visible key
  Tensor<double> added = Tensor<double>::normal({count, most, most}, random.fork("added"));
  for (Index i = 0; i < each.size(); ++i) {
    if (random.fork("hides").uniform(static_cast<std::uint64_t>(i)) < 0.25) added.data()[i] = hides;
  }

  const auto causal = [=](Index, Index i, Index j, Index queries, Index keys) {
    return j - i > keys - queries ? hides : 0.0;
  };
  const auto within = [=](Index b, Index, Index j, Index, Index) {
    return j >= lengths[static_cast<std::size_t>(b)] ? hides : 0.0;
  };
  const auto seen = [=](Index, Index i, Index j, Index, Index) { return one(i, j) != 0 ? 0.0 : hides; };
  const auto unseen = [=](Index b, Index i, Index j, Index, Index) { return each(b, i, j) != 0 ? hides : 0.0; };
  const auto add = [=](Index b, Index i, Index j, Index, Index) { return added(b, i, j); };
  return {{"no mask", {}, [](auto...) { return 0.0; }},
          {"causal", Mask::causal(), causal},
          {"lengths", Mask::lengths(lengths), within},
          {"visible", Mask::visible(std::as_const(one).view()), seen},
          {"hidden, one matrix a sequence", Mask::hidden(std::as_const(each).view()), unseen},
          {"additive", Mask::additive(std::as_const(added).view()), add},
          {"all kinds together",
           Mask::causal() & Mask::lengths(lengths) & Mask::visible(std::as_const(one).view()) &
               Mask::hidden(std::as_const(each).view()) & Mask::additive(std::as_const(added).view()),
           [=](Index b, Index i, Index j, Index queries, Index keys) {
             return causal(b, i, j, queries, keys) + within(b, i, j, queries, keys) + seen(b, i, j, queries, keys) +
                    unseen(b, i, j, queries, keys) + add(b, i, j, queries, keys);
           }},
          {"everything hidden", Mask::lengths(std::vector<Index>(static_cast<std::size_t>(count), 0)),
           [=](auto...) { return hides; }}};
}

/// Calls `attend(q, k, v, numbers, weights, context)` with views of each sequence's rows. Returns the context or, with
/// weights, both joined.
template <class Attend>
Tensor<double> each_sequence(const Tensor<double>& q, const Segments& qs, const Tensor<double>& k,
                             const Tensor<double>& v, const Segments& ks, const MaskOf& mask, bool with_weights,
                             const Attend& attend) {
  Tensor<double> context({qs.tokens(), v.cols()});
  std::vector<double> weights;
  for (Index b = 0; b < qs.count(); ++b) {
    const Tensor<double> numbers = mask.numbers(b, qs.length(b), ks.length(b));
    Tensor<double> w(numbers.shape());
    attend(q.view().rows(qs.begin(b), qs.end(b)), k.view().rows(ks.begin(b), ks.end(b)),
           v.view().rows(ks.begin(b), ks.end(b)), numbers.view(), w.view(),
           context.view().rows(qs.begin(b), qs.end(b)));
    weights.insert(weights.end(), w.data(), w.data() + w.size());
  }
  Tensor<double> all({static_cast<Index>(weights.size())});
  std::copy(weights.begin(), weights.end(), all.data());
  return with_weights ? joined({context, all}) : context;
}

/// Returns a copy of columns begin .. end of rows of x.
inline Tensor<double> block(const Tensor<double>& x, Index row, Index row_end, Index column, Index column_end) {
  return Tensor<double>(x.view().rows(row, row_end).columns(column, column_end));
}

}  // namespace heed::test
