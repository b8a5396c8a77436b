// SPDX-License-Identifier: Apache-2.0
// Runs a fixture's case with heed and compares outputs and gradients with those of PyTorch.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "heed/autograd/tape.hpp"
#include "heed/nn/module.hpp"
#include "parity/fixture.hpp"

namespace parity {

template <class Scalar>
constexpr double tolerance = std::is_same_v<Scalar, double> ? 1e-10 : 1e-5;

template <class Scalar>
heed::Tensor<Scalar> tensor_of(const FixtureTensor& found) {
  heed::Shape shape;
  for (const Index size : found.shape) shape.push_back(size);
  heed::Tensor<Scalar> out(shape);
  std::transform(found.values.begin(), found.values.end(), out.data(), [](double x) { return static_cast<Scalar>(x); });
  return out;
}

/// Returns the elements of a view in row-major order.
template <class Scalar>
std::vector<Scalar> elements(heed::TensorView<const Scalar> view) {
  std::vector<Scalar> out;
  for (Index i = 0; i < view.rows(); ++i) out.insert(out.end(), view.row(i), view.row(i) + view.cols());
  return out;
}

/// Returns the segments with a fixture's offsets.
inline heed::Segments segments(const std::vector<Index>& offsets) {
  std::vector<Index> lengths;
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) lengths.push_back(offsets[i + 1] - offsets[i]);
  return heed::Segments(lengths);
}

/// "3,0,5,1" -> 3, 0, 5, 1.
inline std::vector<double> numbers(const std::string& text) {
  std::vector<double> out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t used = 0;
    out.push_back(std::stod(text.substr(at), &used));
    at += used + 1;
  }
  return out;
}

/// One fixture in one precision: creates variables of its inputs and compares the results.
template <class Scalar>
class Case {
 public:
  explicit Case(const std::string& name) : fixture(name) {}

  heed::Var<Scalar> input(const std::string& name) {
    const auto x = tape.variable(tensor_of<Scalar>(fixture.tensor("in." + name)));
    inputs_.push_back({"in." + name, x});
    return x;
  }
  heed::Var<Scalar> constant(const std::string& name) {
    return tape.constant(tensor_of<Scalar>(fixture.tensor("in." + name)));
  }
  Index integer(const std::string& option) const { return std::stoll(fixture.option(option)); }
  bool flag(const std::string& option) const { return fixture.option(option) == "true"; }

  /// Returns the options of GRU and LSTM.
  template <class Options>
  Options recurrent() const {
    return {.input_size = integer("input_size"),
            .hidden_size = integer("hidden_size"),
            .num_layers = integer("num_layers"),
            .bidirectional = flag("bidirectional")};
  }

  /// Sets all parameters; the names must be PyTorch's.
  template <class Module>
  void load(Module& module) {
    std::vector<std::string> names;
    heed::nn::for_each_parameter(module, [&](const std::string& name, heed::Parameter<Scalar>& parameter) {
      names.push_back(name);
      const auto value = tensor_of<Scalar>(fixture.tensor("param." + name));
      REQUIRE(value.shape() == parameter.shape());
      parameter.value() = value;
      parameters_.push_back({"param." + name, &parameter});
    });
    std::sort(names.begin(), names.end());
    auto wanted = fixture.names("param.");
    std::sort(wanted.begin(), wanted.end());
    REQUIRE(names == wanted);
  }

  void output(const std::string& name, heed::Var<Scalar> y) {
    compare("out." + name, y.value());
    CHECK(y.shape() == tensor_of<Scalar>(fixture.tensor("out." + name)).shape());
    outputs_.push_back({y, tensor_of<Scalar>(fixture.tensor("cot." + name))});
  }

  /// Runs the backward pass from the sum of <output, cotangent> and compares all gradients.
  void backward() {
    struct Pair {
      heed::Var<Scalar> y;
      const Scalar* cotangent;
    };
    std::vector<Pair> pairs;
    std::vector<heed::Var<Scalar>> ys;
    for (const auto& [y, cotangent] : outputs_) {
      pairs.push_back(
          {y, tape.keep(std::span<const Scalar>(cotangent.data(), static_cast<std::size_t>(cotangent.size())))});
      ys.push_back(y);
    }
    const Pair* kept = tape.keep(std::span<const Pair>(pairs));
    const std::size_t count = pairs.size();
    const auto loss = tape.zeros({});
    heed::backward(tape.record(std::span<const heed::Var<Scalar>>(ys), loss, [=](const heed::Gradients<Scalar>& g) {
      for (std::size_t n = 0; n < count; ++n) {
        const auto d = g(kept[n].y);
        for (Index i = 0; i < d.rows(); ++i) {
          for (Index j = 0; j < d.cols(); ++j) d(i, j) += kept[n].cotangent[i * d.cols() + j];
        }
      }
    }));
    for (const auto& [name, x] : inputs_) compare("grad." + name, x.gradient());
    for (const auto& [name, p] : parameters_) compare("grad." + name, std::as_const(p->gradient()).view());
    CHECK(inputs_.size() == fixture.names("grad.in.").size());
    CHECK(parameters_.size() == fixture.names("grad.param.").size());
  }

  void compare(const std::string& name, heed::TensorView<const Scalar> got) {
    compare(name, elements(got), fixture.tensor(name).values);
  }
  void compare(const std::string& name, const std::vector<Scalar>& got, const std::vector<double>& expected) {
    INFO(name);
    CHECK(relative_error(got, expected) <= tolerance<Scalar>);
  }

  Fixture fixture;
  heed::Tape<Scalar> tape;

 private:
  std::vector<std::pair<std::string, heed::Var<Scalar>>> inputs_;
  std::vector<std::pair<std::string, heed::Parameter<Scalar>*>> parameters_;
  std::vector<std::pair<heed::Var<Scalar>, heed::Tensor<Scalar>>> outputs_;
};

}  // namespace parity
