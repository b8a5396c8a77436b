// SPDX-License-Identifier: Apache-2.0
// Gated recurrent units over ragged sequences.
#pragma once

#include "heed/nn/detail/recurrent.hpp"
#include "heed/ops/gru.hpp"

namespace heed::inline HEED_ABI::nn {

struct GruOptions {
  Index input_size = 0;
  Index hidden_size = 0;
  Index num_layers = 1;
  bool bias = true;
  bool bidirectional = false;
  double dropout = 0;  ///< on the output of each layer except the last, while the tape is training

  void fields(auto&& visitor) {
    visitor("input_size", input_size, "hidden_size", hidden_size, "num_layers", num_layers, "bias", bias,
            "bidirectional", bidirectional, "dropout", dropout);
  }
};

/// As torch.nn.GRU, with the same names: gates in row order r, z, n, two biases; the reset gate is applied after the
/// recurrent product. With D directions, states are [layers * D, sequences, hidden_size], indexed by layer * D +
/// direction. Sequences may be in any order and have any length, including 0.
template <class Scalar = float>
class GRU : public detail::Recurrent<Scalar> {
  using Base = detail::Recurrent<Scalar>;

 public:
  struct Result {
    Var<Scalar> output;  ///< [tokens, D * hidden_size]
    Var<Scalar> h_n;     ///< [layers * D, sequences, hidden_size]
  };

  explicit GRU(const GruOptions& options)
      : Base("GRU", 3,
             {.input_size = options.input_size,
              .hidden_size = options.hidden_size,
              .num_layers = options.num_layers,
              .bias = options.bias,
              .bidirectional = options.bidirectional,
              .dropout = options.dropout}) {}

  /// x [tokens, input_size]; an empty initial state means zeros. Throws ShapeError if shapes do not match.
  Result operator()(Var<Scalar> x, const Segments& segments, Var<Scalar> initial = {}) const {
    this->check_state(initial, segments.count(), this->output_size());
    Result all;
    all.output = this->run_layers(x, [&](Var<Scalar> in, const auto& cell, Index i, bool reverse) {
      const auto one =
          gru(in, segments, cell.template weights<GruWeights<Scalar>>(in.tape()), Base::state_of(i, initial), reverse);
      Base::append(all.h_n, one.h_n);
      return one.output;
    });
    return all;
  }
};

}  // namespace heed::inline HEED_ABI::nn
