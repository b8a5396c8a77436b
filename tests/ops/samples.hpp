// SPDX-License-Identifier: Apache-2.0
// Samples of an operation: inputs, the call, the reference. registry_test.cpp derives the checks from them.
#pragma once

#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "heed/autograd/tape.hpp"

namespace heed::test {

template <class Scalar>
using Call = std::function<Var<Scalar>(Tape<Scalar>&, std::span<const Var<Scalar>>)>;

/// One valid call of an operation. `inputs` are those that get gradients.
struct Sample {
  std::string label;
  std::vector<Tensor<double>> inputs;
  Call<double> in_double;
  Call<float> in_float;
  std::function<Tensor<double>(std::span<const Tensor<double>>)> reference;
  double float_tolerance = 1e-5;  ///< of the value and the gradients, relative to the largest element
  TapeOptions options{};
};

/// `call` is a generic lambda `[](auto& tape, auto x)` with a span of Vars x; it must not allocate memory itself.
/// `reference` takes `std::span<const Tensor<double>>` and returns the value.
template <class F, class Reference>
Sample sample(std::string label, std::vector<Tensor<double>> inputs, F call, Reference reference,
              double float_tolerance = 1e-5, const TapeOptions& options = {}) {
  return {std::move(label), std::move(inputs), call, call, reference, float_tolerance, options};
}

/// One call that must throw an Error whose text contains `expected`.
struct BadCall {
  std::string label;
  std::function<void()> call;
  std::string expected;
};

struct OpSamples {
  std::vector<Sample> good;
  std::vector<BadCall> bad;
};

/// The functions that return the samples of each operation, by its name.
inline std::multimap<std::string, OpSamples (*)()>& all_samples() {
  static std::multimap<std::string, OpSamples (*)()> all;
  return all;
}

/// Each operation's test registers its samples: `const SamplesOf exp_op("exp", []() -> OpSamples { .. });`
struct SamplesOf {
  SamplesOf(const char* operation, OpSamples (*make)()) { all_samples().emplace(operation, make); }
};

/// Returns normal numbers that depend on the name and the shape only.
inline Tensor<double> normal(const Shape& shape, std::string_view name = "x", double standard_deviation = 1) {
  return Tensor<double>::normal(shape, Random(7).fork(name), standard_deviation);
}

/// Constants on a fresh tape, for BadCall: `bad_call("label", {{2, 3}, {4}}, [](auto x) { add(x[0], x[1]); }, "..")`.
template <class F>
BadCall bad_call(std::string label, std::vector<Shape> shapes, F call, std::string expected) {
  return {std::move(label),
          [shapes = std::move(shapes), call] {
            Tape<float> tape;
            std::vector<Var<float>> x;
            for (const Shape& shape : shapes) x.push_back(tape.variable(Tensor<float>(shape)));
            try {
              call(std::span<const Var<float>>(x));
            } catch (const Error&) {
              if (tape.size() != x.size()) throw Error("the refused call left values on the tape");
              throw;
            }
          },
          std::move(expected)};
}

}  // namespace heed::test
