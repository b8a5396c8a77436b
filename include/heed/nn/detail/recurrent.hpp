// SPDX-License-Identifier: Apache-2.0
// Shared by recurrent layers: parameters with PyTorch's names, and the loop over layers and directions.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "heed/nn/init.hpp"
#include "heed/ops/concat.hpp"
#include "heed/ops/dropout.hpp"
#include "heed/ops/reshape.hpp"
#include "heed/ops/slice.hpp"

namespace heed::inline HEED_ABI::nn::detail {

struct RecurrentOptions {
  Index input_size = 0;
  Index hidden_size = 0;
  Index num_layers = 1;
  bool bias = true;
  bool bidirectional = false;
  double dropout = 0;   ///< on the output of each layer except the last, while the tape is training
  Index proj_size = 0;  ///< 0: no projection

  void fields(auto&& visitor) {
    visitor("input_size", input_size, "hidden_size", hidden_size, "num_layers", num_layers, "bias", bias,
            "bidirectional", bidirectional, "dropout", dropout, "proj_size", proj_size);
  }
};

/// Recurrent layers with `gates` gates. States are [layers * D, sequences, ..], indexed by layer * D + direction.
template <class Scalar>
class Recurrent {
 public:
  using scalar_type = Scalar;

  Index directions() const { return options_.bidirectional ? 2 : 1; }
  /// Returns the number of outputs per direction.
  Index output_size() const { return options_.proj_size > 0 ? options_.proj_size : options_.hidden_size; }

  /// Initialises all parameters, including biases, uniformly in +-1/sqrt(hidden_size).
  void initialize(Random random) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(options_.hidden_size));
    visit([&](const std::string& name, Parameter<Scalar>& p) { init_uniform(p, random.fork(name), bound); });
  }

  void visit(auto&& visitor) {
    for (Cell& cell : cells_) {
      visitor(cell.name("weight_ih"), cell.weight_ih);
      visitor(cell.name("weight_hh"), cell.weight_hh);
      if (options_.bias) {
        visitor(cell.name("bias_ih"), cell.bias_ih);
        visitor(cell.name("bias_hh"), cell.bias_hh);
      }
      if (options_.proj_size > 0) visitor(cell.name("weight_hr"), cell.weight_hr);
    }
  }

 protected:
  /// One layer in one direction.
  struct Cell {
    std::string suffix;
    Parameter<Scalar> weight_ih, weight_hh, bias_ih, bias_hh, weight_hr;

    [[gnu::noinline]] std::string name(const char* part) const { return part + suffix; }
    template <class Weights>
    Weights weights(Tape<Scalar>& tape) const {
      Weights w{.weight_ih = tape.parameter(weight_ih), .weight_hh = tape.parameter(weight_hh)};
      if (bias_ih.size() > 0) {
        w.bias_ih = tape.parameter(bias_ih);
        w.bias_hh = tape.parameter(bias_hh);
      }
      return w;
    }
  };

  Recurrent(const char* name, Index gates, const RecurrentOptions& options) : name_(name), options_(options) {
    if (options.input_size <= 0 || options.hidden_size <= 0 || options.num_layers <= 0 || options.proj_size < 0 ||
        options.proj_size >= options.hidden_size || !(options.dropout >= 0 && options.dropout < 1)) {
      const std::string projection = options.proj_size != 0 ? message(", proj_size ", options.proj_size) : "";
      fail<OptionError>(name, "input_size ", options.input_size, ", hidden_size ", options.hidden_size, ", num_layers ",
                        options.num_layers, projection, ", dropout ", options.dropout);
    }
    const Index H = options.hidden_size, R = output_size();
    for (Index layer = 0; layer < options.num_layers; ++layer) {
      for (Index direction = 0; direction < directions(); ++direction) {
        const Index input = layer == 0 ? options.input_size : directions() * R;
        cells_.push_back({{"_l" + std::to_string(layer) + (direction == 1 ? "_reverse" : "")},
                          Parameter<Scalar>({gates * H, input}),
                          Parameter<Scalar>({gates * H, R}),
                          Parameter<Scalar>({options.bias ? gates * H : 0}),
                          Parameter<Scalar>({options.bias ? gates * H : 0}),
                          Parameter<Scalar>({options.proj_size, options.proj_size > 0 ? H : 0})});
      }
    }
  }

  /// Throws ShapeError unless `state` is empty or [layers * D, count, width].
  void check_state(Var<Scalar> state, Index count, Index width) const {
    const Shape wanted{static_cast<Index>(cells_.size()), count, width};
    if (!state || state.shape() == wanted) return;
    fail<ShapeError>(name_, "initial state ", state.shape(), ", wanted ", to_string(wanted));
  }
  /// Returns the state of cell i, or an empty handle if `all` is empty.
  static Var<Scalar> state_of(Index i, Var<Scalar> all) {
    return all ? reshape(slice(all, 0, i, i + 1), {all.shape()[1], all.shape()[2]}) : all;
  }
  /// Appends the state of another cell to `all`, the states [n, sequences, ..] of the cells before.
  static void append(Var<Scalar>& all, Var<Scalar> state) {
    const Var<Scalar> one = reshape(state, {1, state.shape()[0], state.shape()[1]});
    all = all ? concat<Scalar>({all, one}, 0) : one;
  }
  /// Returns the last layer's output; `run(x, cell, index, reverse)` returns the output of one cell.
  template <class Run>
  Var<Scalar> run_layers(Var<Scalar> x, const Run& run) const {
    for (Index layer = 0; layer < options_.num_layers; ++layer) {
      if (layer > 0) x = dropout(x, options_.dropout);
      Var<Scalar> output;
      for (Index direction = 0; direction < directions(); ++direction) {
        const Index i = layer * directions() + direction;
        const Var<Scalar> one = run(x, cells_[static_cast<std::size_t>(i)], i, direction == 1);
        output = output ? concat<Scalar>({output, one}, 1) : one;
      }
      x = output;
    }
    return x;
  }

  const char* name_;
  RecurrentOptions options_;
  std::vector<Cell> cells_;
};

}  // namespace heed::inline HEED_ABI::nn::detail
