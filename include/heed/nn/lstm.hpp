// SPDX-License-Identifier: Apache-2.0
// Long short-term memory over ragged sequences.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "heed/nn/init.hpp"
#include "heed/ops/concat.hpp"
#include "heed/ops/dropout.hpp"
#include "heed/ops/lstm.hpp"
#include "heed/ops/reshape.hpp"
#include "heed/ops/slice.hpp"

namespace heed::inline HEED_ABI::nn {

struct LstmOptions {
  Index input_size = 0;
  Index hidden_size = 0;
  Index num_layers = 1;
  bool bias = true;
  bool bidirectional = false;
  double dropout = 0;   ///< on every layer's output but the last's, while the tape is training
  Index proj_size = 0;  ///< 0: no projection
};

/// As torch.nn.LSTM: gates in rows i, f, g, o, two biases, the same names. With D directions and R outputs a direction
/// (proj_size, or hidden_size), states are [layers * D, sequences, R] and [layers * D, sequences, hidden_size], index
/// layer * D + direction. Sequences may come in any order and have any length, 0 included.
template <class Scalar>
class LSTM {
 public:
  using scalar_type = Scalar;

  struct State {
    Var<Scalar> h, c;  ///< empty handles mean zeros
  };
  struct Result {
    Var<Scalar> output;  ///< [tokens, D * R]
    Var<Scalar> h_n;     ///< [layers * D, sequences, R]
    Var<Scalar> c_n;     ///< [layers * D, sequences, hidden_size]
  };

  explicit LSTM(const LstmOptions& options) : options_(options) {
    if (options.input_size <= 0 || options.hidden_size <= 0 || options.num_layers <= 0 || options.proj_size < 0 ||
        options.proj_size >= options.hidden_size || !(options.dropout >= 0 && options.dropout < 1)) {
      fail<OptionError>(
          "LSTM", message("input_size ", options.input_size, ", hidden_size ", options.hidden_size, ", num_layers ",
                          options.num_layers, ", proj_size ", options.proj_size, ", dropout ", options.dropout));
    }
    const Index H = options.hidden_size, R = output_size();
    for (Index layer = 0; layer < options.num_layers; ++layer) {
      for (Index direction = 0; direction < directions(); ++direction) {
        const Index input = layer == 0 ? options.input_size : directions() * R;
        cells_.push_back({{"_l" + std::to_string(layer) + (direction == 1 ? "_reverse" : "")},
                          Parameter<Scalar>({4 * H, input}),
                          Parameter<Scalar>({4 * H, R}),
                          Parameter<Scalar>({options.bias ? 4 * H : 0}),
                          Parameter<Scalar>({options.bias ? 4 * H : 0}),
                          Parameter<Scalar>({options.proj_size, options.proj_size > 0 ? H : 0})});
      }
    }
  }

  /// x [tokens, input_size]. Throws ShapeError.
  Result operator()(Var<Scalar> x, const Segments& segments, State initial = {}) const {
    Tape<Scalar>& tape = x.tape();
    const Index H = options_.hidden_size, R = output_size(), count = segments.count();
    const Index cells = options_.num_layers * directions();
    const auto wanted = [&](Var<Scalar> state, Index width) {
      if (!state || state.shape() == Shape{cells, count, width}) return;
      fail<ShapeError>("LSTM", message("initial state ", to_string(state.shape()), ", wanted ",
                                       to_string(Shape{cells, count, width})));
    };
    wanted(initial.h, R);
    wanted(initial.c, H);
    Var<Scalar> h_n, c_n;
    for (Index layer = 0; layer < options_.num_layers; ++layer) {
      if (layer > 0) x = dropout(x, options_.dropout);
      Var<Scalar> output;
      for (Index direction = 0; direction < directions(); ++direction) {
        const Index i = layer * directions() + direction;
        const Cell& cell = cells_[static_cast<std::size_t>(i)];
        const auto part = [&](Var<Scalar> state, Index width) {
          return state ? reshape(slice(state, 0, i, i + 1), {count, width}) : state;
        };
        const auto r = lstm(x, segments, cell.weights(tape), part(initial.h, R), part(initial.c, H), direction == 1);
        output = output ? concat<Scalar>({output, r.output}, 1) : r.output;
        h_n = h_n ? concat<Scalar>({h_n, r.h_n}, 0) : r.h_n;
        c_n = c_n ? concat<Scalar>({c_n, r.c_n}, 0) : r.c_n;
      }
      x = output;
    }
    return {x, reshape(h_n, {cells, count, R}), reshape(c_n, {cells, count, H})};
  }

  Index directions() const { return options_.bidirectional ? 2 : 1; }
  /// Outputs a direction.
  Index output_size() const { return options_.proj_size > 0 ? options_.proj_size : options_.hidden_size; }

  /// Every parameter, biases too, uniform in +-1/sqrt(hidden_size).
  void initialize(Random random) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(options_.hidden_size));
    visit([&](const std::string& name, Parameter<Scalar>& p) { init_uniform(p, random.fork(name), bound); });
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
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

 private:
  struct Cell {
    std::string suffix;
    Parameter<Scalar> weight_ih, weight_hh, bias_ih, bias_hh, weight_hr;

    [[gnu::noinline]] std::string name(const char* part) const { return part + suffix; }
    LstmWeights<Scalar> weights(Tape<Scalar>& tape) const {
      LstmWeights<Scalar> w{.weight_ih = tape.parameter(weight_ih), .weight_hh = tape.parameter(weight_hh)};
      if (bias_ih.size() > 0) {
        w.bias_ih = tape.parameter(bias_ih);
        w.bias_hh = tape.parameter(bias_hh);
      }
      if (weight_hr.size() > 0) w.weight_hr = tape.parameter(weight_hr);
      return w;
    }
  };

  LstmOptions options_;
  std::vector<Cell> cells_;
};

}  // namespace heed::inline HEED_ABI::nn
