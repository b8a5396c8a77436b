// SPDX-License-Identifier: Apache-2.0
// Shared by property tests: reproducible random cases, arrays of random numbers, backward passes.
#pragma once

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <vector>

#include "heed/autograd/tape.hpp"
#include "support/same_bits.hpp"

namespace heed::test {

/// Returns true if the property holds for 50 random cases. They are the same in every run unless the environment
/// variable RC_PARAMS is set ("seed=7 max_success=5000" tests more cases).
template <class Property>
bool holds(const char* text, Property property) {
  setenv("RC_PARAMS", "seed=20240607 max_success=50", 0);
  return rc::check(text, property);
}

/// Checks that a property holds in both precisions.
template <class InFloat, class InDouble>
void check_holds(InFloat in_float, InDouble in_double) {
  CHECK(holds("in float", in_float));
  CHECK(holds("in double", in_double));
}

/// Returns a random number in low .. high, both included.
inline Index between(Index low, Index high) { return *rc::gen::inRange<Index>(low, high + 1); }

/// Returns `count` random lengths of 0 .. most.
inline std::vector<Index> lengths(Index count, Index most) {
  std::vector<Index> out;
  for (Index i = 0; i < count; ++i) out.push_back(between(0, most));
  return out;
}
inline Segments segments_of(const std::vector<Index>& lengths) { return Segments(std::span<const Index>(lengths)); }

/// Returns normally distributed numbers of a random seed.
template <class Scalar>
Tensor<Scalar> numbers(const Shape& shape) {
  return Tensor<Scalar>::normal(shape, Random(*rc::gen::arbitrary<std::uint64_t>()));
}

/// Returns a copy of the rows begin .. end - 1.
template <class Scalar>
Tensor<Scalar> rows_of(const Tensor<Scalar>& x, Index begin, Index end) {
  return Tensor<Scalar>(x.view().rows(begin, end));
}

/// Runs a backward pass with dL/dy given by `cotangents` for each value y.
template <class Scalar>
void backward_from(const std::vector<std::pair<Var<Scalar>, Tensor<Scalar>>>& cotangents) {
  Tape<Scalar>& tape = cotangents.front().first.tape();
  std::vector<Var<Scalar>> values;
  for (const auto& [y, c] : cotangents) values.push_back(y);
  const Scalar** from = tape.template allocate_array<const Scalar*>(static_cast<Index>(values.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Tensor<Scalar>& c = cotangents[i].second;
    from[i] = tape.keep(std::span<const Scalar>(c.data(), static_cast<std::size_t>(c.size())));
  }
  const Var<Scalar>* kept = tape.keep(std::span<const Var<Scalar>>(values));
  const auto loss = tape.zeros({});
  backward(tape.record(std::span<const Var<Scalar>>(values), loss,
                       [kept, from, count = values.size()](const Gradients<Scalar>& g) {
                         for (std::size_t i = 0; i < count; ++i) {
                           const auto d = g(kept[i]);
                           for (Index k = 0; k < d.size(); ++k) d.row(k / d.cols())[k % d.cols()] += from[i][k];
                         }
                       }));
}

/// Returns the gradient of x, or zeros if it has none.
template <class Scalar>
Tensor<Scalar> gradient_of(Var<Scalar> x) {
  return x.gradient() ? Tensor<Scalar>(x.gradient()) : Tensor<Scalar>(x.shape());
}

}  // namespace heed::test
