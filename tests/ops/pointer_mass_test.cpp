// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/pointer_mass.hpp"

#include "heed/kernels/reference/pointer_mass.hpp"
#include "ops/samples.hpp"

namespace heed::test {

namespace {

/// Sequences of 2, 0, 1 and 2 queries with 3, 2, 0 and 2 keys have 10 weights; each query requests some items.
struct Layout {
  Segments queries{2, 0, 1, 2}, keys{3, 2, 0, 2}, targets{2, 0, 1, 3, 1};
  std::vector<Index> key_items{5, 8, 5, 1, 1, 3, 3}, target_items{5, 8, 5, 3, 3, 5, 3};
};

template <class Scalar>
Var<Scalar> call(Var<Scalar> weights, const Layout& at) {
  return pointer_mass(weights, at.queries, at.keys, std::span<const Index>(at.key_items),
                      std::span<const Index>(at.target_items), at.targets);
}

Tensor<double> reference(const Tensor<double>& weights, const Layout& at) {
  Tensor<double> out({at.targets.tokens()});
  const double* row = weights.data();
  for (Index b = 0, query = 0; b < at.queries.count(); ++b) {
    const auto keys = static_cast<std::size_t>(at.keys.length(b));
    for (Index i = 0; i < at.queries.length(b); ++i, ++query, row += keys) {
      for (Index t = at.targets.begin(query); t < at.targets.end(query); ++t) {
        out.data()[t] = kernels::reference::pointer_mass({row, keys}, {at.key_items.data() + at.keys.begin(b), keys},
                                                         at.target_items[static_cast<std::size_t>(t)]);
      }
    }
  }
  return out;
}

Sample pointer_sample(std::string label, const Layout& at, Index weights) {
  return sample(
      std::move(label), {normal({weights})}, [=](auto&, auto x) { return call(x[0], at); },
      [=](std::span<const Tensor<double>> x) { return reference(x[0], at); });
}

}  // namespace

const SamplesOf pointer_mass_op("pointer_mass", []() -> OpSamples {
  OpSamples out;
  const Layout none{Segments(), Segments(), Segments(), {}, {}},
      no_targets{Segments{1}, Segments{2}, Segments{0}, {4, 4}, {}};
  Layout everything_same;
  std::fill(everything_same.key_items.begin(), everything_same.key_items.end(), 3);
  out.good = {pointer_sample("ragged", {}, 10), pointer_sample("one item everywhere", everything_same, 10),
              pointer_sample("no sequences", none, 0), pointer_sample("no targets", no_targets, 2)};
  const auto bad = [](std::string label, Index weights, const Layout& at, std::string expected) {
    return bad_call(
        std::move(label), {{weights}}, [=](auto x) { call(x[0], at); }, std::move(expected));
  };
  Layout keys, queries, targets, items;
  keys.key_items.pop_back();
  queries.queries = Segments{2, 0, 1};
  targets.targets = Segments{2, 0, 1, 3};
  items.target_items.push_back(3);
  const std::string misfit = "do not fit together";
  out.bad = {
      bad("weights", 11, {}, "pointer_mass: weights are [11], wanted [10]"),
      bad("key items", 10, keys, "pointer_mass: 4 query sequences (5 queries), 4 key sequences (7 keys), 6 key items"),
      bad("query sequences", 10, queries, misfit), bad("target sequences", 10, targets, misfit),
      bad("target items", 10, items, misfit)};
  return out;
});

}  // namespace heed::test
