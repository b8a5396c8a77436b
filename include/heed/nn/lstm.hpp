// SPDX-License-Identifier: Apache-2.0
// Long short-term memory over ragged sequences.
#pragma once

#include "heed/nn/detail/recurrent.hpp"
#include "heed/ops/lstm.hpp"

namespace heed::inline HEED_ABI::nn {

using LstmOptions = detail::RecurrentOptions;

/// As torch.nn.LSTM, with the same names: gates in row order i, f, g, o, two biases. With D directions and R outputs
/// per direction (proj_size, or hidden_size), states are [layers * D, sequences, R] and [layers * D, sequences,
/// hidden_size], indexed by layer * D + direction. Sequences may be in any order and have any length, including 0.
template <class Scalar = float>
class LSTM : public detail::Recurrent<Scalar> {
  using Base = detail::Recurrent<Scalar>;

 public:
  struct State {
    Var<Scalar> h, c;  ///< empty handles mean zeros
  };
  struct Result {
    Var<Scalar> output;  ///< [tokens, D * R]
    Var<Scalar> h_n;     ///< [layers * D, sequences, R]
    Var<Scalar> c_n;     ///< [layers * D, sequences, hidden_size]
  };

  explicit LSTM(const LstmOptions& options) : Base("LSTM", 4, options) {}

  /// x [tokens, input_size]. Throws ShapeError if shapes do not match.
  Result operator()(Var<Scalar> x, const Segments& segments, State initial = {}) const {
    this->check_state(initial.h, segments.count(), this->output_size());
    this->check_state(initial.c, segments.count(), this->options_.hidden_size);
    Tape<Scalar>& tape = x.tape();
    Result all;
    all.output = this->run_layers(x, [&](Var<Scalar> in, const auto& cell, Index i, bool reverse) {
      auto weights = cell.template weights<LstmWeights<Scalar>>(tape);
      if (cell.weight_hr.size() > 0) weights.weight_hr = tape.parameter(cell.weight_hr);
      const auto one = lstm(in, segments, weights, Base::state_of(i, initial.h), Base::state_of(i, initial.c), reverse);
      Base::append(all.h_n, one.h_n);
      Base::append(all.c_n, one.c_n);
      return one.output;
    });
    return all;
  }
};

}  // namespace heed::inline HEED_ABI::nn
