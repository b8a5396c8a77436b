// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of attention kernels: masks of every kind, as views for the kernels and as plain [queries, keys]
// numbers, and the check that hidden pairs have no influence.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "heed/core/mask.hpp"
#include "heed/core/tensor.hpp"
#include "heed/kernels/detail/attention_unit.hpp"
#include "kernels/every_isa.hpp"
#include "support/same_bits.hpp"

namespace heed::test {

/// A mask for segment 1 of 3, which catches a kernel that reads another segment's part.
template <class Scalar>
struct MaskCase {
  static constexpr Index segment = 1;
  std::string label;
  bool causal = false, additive = false, visible = false, by_segment = false;
  std::vector<Index> lengths;            ///< empty or one for each segment
  std::vector<std::uint8_t> visible_of;  ///< [segments or 1, queries, keys]
  std::vector<Scalar> additive_of;       ///< the same
  Index queries = 0, keys = 0;

  MaskView<Scalar> view() const {
    MaskView<Scalar> out;
    out.causal = causal;
    out.lengths = lengths.empty() ? nullptr : lengths.data();
    out.visible = visible ? visible_of.data() : nullptr;
    out.additive = additive ? additive_of.data() : nullptr;
    out.segment_stride = by_segment ? queries * keys : 0;
    out.row_stride = keys;
    return out;
  }
  /// Returns the number added to each score, -infinity where hidden.
  Tensor<double> numbers() const {
    Tensor<double> out({queries, keys});
    for (Index i = 0; i < queries; ++i) {
      for (Index j = 0; j < keys; ++j) {
        const auto at = static_cast<std::size_t>(((by_segment ? segment : 0) * queries + i) * keys + j);
        double& x = out(i, j);
        if (additive) x = static_cast<double>(additive_of[at]);
        const bool hidden = (causal && j - i > keys - queries) ||
                            (!lengths.empty() && j >= lengths[static_cast<std::size_t>(segment)]) ||
                            (visible && visible_of[at] == 0);
        if (hidden) x = -std::numeric_limits<double>::infinity();
      }
    }
    return out;
  }
  /// Returns the queries that see no key.
  std::vector<Index> blind_queries() const {
    const Tensor<double> of_pair = numbers();
    std::vector<Index> out;
    for (Index i = 0; i < queries; ++i) {
      const double* row = of_pair.view().row(i);
      if (std::all_of(row, row + keys, [](double x) { return x == -std::numeric_limits<double>::infinity(); })) {
        out.push_back(i);
      }
    }
    return out;
  }
};

/// Returns masks of every kind for a [queries, keys] problem.
template <class Scalar>
std::vector<MaskCase<Scalar>> mask_cases(Index queries, Index keys) {
  std::vector<MaskCase<Scalar>> out;
  const auto add = [&](const char* label) -> MaskCase<Scalar>& {
    out.push_back({});
    out.back().label = label;
    out.back().queries = queries;
    out.back().keys = keys;
    return out.back();
  };
  const auto size = static_cast<std::size_t>(queries * keys);
  const Random random(5);
  const auto fill_visible = [&](MaskCase<Scalar>& mask, std::size_t planes) {
    mask.visible = true;
    mask.by_segment = planes > 1;
    for (std::size_t i = 0; i < planes * size; ++i) mask.visible_of.push_back(random.uniform(i) < 0.6);
    // The first query, and the last key, are wholly hidden.
    for (std::size_t i = 0; i < planes * size; ++i) {
      const auto in_plane = static_cast<Index>(i % size);
      if (in_plane < keys || in_plane % keys == keys - 1) mask.visible_of[i] = 0;
    }
  };
  const auto fill_additive = [&](MaskCase<Scalar>& mask) {
    mask.additive = mask.by_segment = true;
    for (std::size_t i = 0; i < 3 * size; ++i) {
      const bool hides = random.uniform(i) < 0.3;
      mask.additive_of.push_back(hides ? -std::numeric_limits<Scalar>::infinity()
                                       : static_cast<Scalar>(random.normal(i + 7)));
    }
  };
  add("no mask");
  add("causal").causal = true;
  add("lengths").lengths = {0, keys / 2, keys};
  add("nothing visible").lengths = {keys, 0, keys};
  auto& both = add("causal and lengths");
  both.causal = true;
  both.lengths = {keys, keys > 0 ? keys - 1 : 0, 0};
  fill_visible(add("visible, one for all"), 1);
  fill_visible(add("visible, one per sequence"), 3);
  fill_additive(add("additive"));
  auto& all = add("everything together");
  fill_visible(all, 3);
  fill_additive(all);
  all.causal = true;
  all.lengths = {0, keys, 0};
  return out;
}

/// One attention problem: its inputs and output gradients.
template <class Scalar>
struct AttentionProblem {
  const MaskCase<Scalar>& mask;
  Tensor<Scalar> q, k, v, d_context, d_weights;

  AttentionProblem(const MaskCase<Scalar>& m, Index width, Index depth)
      : mask(m),
        q(normal_as<Scalar>({m.queries, width}, "q")),
        k(normal_as<Scalar>({m.keys, width}, "k")),
        v(normal_as<Scalar>({m.keys, depth}, "v")),
        d_context(normal_as<Scalar>({m.queries, depth}, "d_context")),
        d_weights(normal_as<Scalar>({m.queries, m.keys}, "d_weights")) {}

  kernels::AttentionUnit<Scalar> unit() const {
    kernels::AttentionUnit<Scalar> u;
    u.q = q.view();
    u.k = k.view();
    u.v = v.view();
    u.mask = mask.view();
    u.segment = MaskCase<Scalar>::segment;
    return u;
  }
};

/// Calls `check(mask)` for every kind of mask.
template <class Scalar, class Check>
void for_every_mask(Index queries, Index keys, Index width, Index depth, const Check& check) {
  for (const auto& mask : mask_cases<Scalar>(queries, keys)) {
    INFO(mask.label << ", " << queries << " queries, " << keys << " keys, widths " << width << ", " << depth);
    check(mask);
  }
}

/// Checks dq, dk and dv of a problem against the expected gradients, to `allowed`.
template <class Case>
void check_gradients(const Case& got, const Tensor<double>& dq, const Tensor<double>& dk, const Tensor<double>& dv,
                     double allowed) {
  check_close(got.dq, dq, allowed);
  check_close(got.dk, dk, allowed);
  check_close(got.dv, dv, allowed);
}

/// Checks that hidden pairs have no influence, even with NaN and infinity. `clean` is a problem under `mask` with a
/// method `run` that computes its results. It has q, k, v, context, weights, dq, dk, dv and, in `shared`, the gradient
/// of the parameters; each gradient is added to 1.
template <class Case, class Scalar>
void check_no_influence_of_hidden(const MaskCase<Scalar>& mask, Case clean, Tensor<Scalar> Case::*shared) {
  constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
  constexpr Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
  Case poisoned = clean;
  clean.run();
  const auto numbers = mask.numbers();
  const auto hidden = [&](Index i, Index j) { return numbers(i, j) == -std::numeric_limits<double>::infinity(); };
  const auto same_row = [&](Tensor<Scalar> Case::*x, Index i) {
    return same_bits((clean.*x).view().row(i), (poisoned.*x).view().row(i), (clean.*x).cols());
  };
  const auto fill = [](Tensor<Scalar>& x, Index i, Scalar value) { std::fill_n(x.view().row(i), x.cols(), value); };
  for (Index j = 0; j < mask.keys; ++j) {
    for (const Scalar bad : {nan, infinity, -infinity}) {
      poisoned.k = clean.k;
      poisoned.v = clean.v;
      fill(poisoned.k, j, bad);
      fill(poisoned.v, j, bad);
      poisoned.run();
      bool somebody_looks = false;
      for (Index i = 0; i < mask.queries; ++i) {
        if (!hidden(i, j)) {
          somebody_looks = true;
          CHECK(!same_row(&Case::context, i));
          continue;
        }
        for (const auto x : {&Case::context, &Case::weights, &Case::dq}) CHECK(same_row(x, i));
      }
      if (somebody_looks) continue;
      for (const auto x : {&Case::dk, &Case::dv, shared}) CHECK(same_bits(clean.*x, poisoned.*x));
    }
  }
  for (const Index i : mask.blind_queries()) {
    poisoned.k = clean.k;
    poisoned.v = clean.v;
    poisoned.q = clean.q;
    fill(poisoned.q, i, nan);
    poisoned.run();
    for (const auto x : {&Case::context, &Case::weights, &Case::dq, &Case::dk, &Case::dv, shared}) {
      CHECK(same_bits(clean.*x, poisoned.*x));
    }
    for (Index c = 0; c < clean.context.cols(); ++c) CHECK(clean.context(i, c) == Scalar(0));
    for (Index j = 0; j < mask.keys; ++j) CHECK(clean.weights(i, j) == Scalar(0));
    for (Index c = 0; c < clean.dq.cols(); ++c) CHECK(clean.dq(i, c) == Scalar(1));
  }
}

}  // namespace heed::test
