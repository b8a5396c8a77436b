// SPDX-License-Identifier: Apache-2.0
// An encoder that is a recurrent layer.
#pragma once

#include <optional>

#include "heed/nn/linear.hpp"
#include "heed/ops/dropout.hpp"
#include "heed/recsys/encoder.hpp"

namespace heed::inline HEED_ABI::recsys {

template <template <class> class Layer>
struct RecurrentEncoderOptions {
  Index embed_dim = 64;
  Index hidden_size = 64;
  Index num_layers = 1;
  double dropout = 0.1;  ///< on item vectors, between layers and on states

  void fields(auto&& visitor) {
    visitor("embed_dim", embed_dim, "hidden_size", hidden_size, "num_layers", num_layers, "dropout", dropout);
  }
};

/// The user vector is the state after an event, projected to `embed_dim` if `hidden_size` differs. `Layer` is nn::GRU
/// or nn::LSTM.
template <template <class> class Layer, class Scalar>
class RecurrentEncoder {
 public:
  using scalar_type = Scalar;
  using options_type = RecurrentEncoderOptions<Layer>;

  explicit RecurrentEncoder(const options_type& options)
      : rnn({.input_size = options.embed_dim,
             .hidden_size = options.hidden_size,
             .num_layers = options.num_layers,
             .dropout = options.dropout}),
        options_(options) {
    // Without a bias, so that an empty history gives equal scores to all items.
    if (options.hidden_size != options.embed_dim) {
      user.emplace(
          nn::LinearOptions{.in_features = options.hidden_size, .out_features = options.embed_dim, .bias = false});
    }
  }

  Index width() const { return options_.embed_dim; }
  Index state_size() const { return options_.hidden_size; }
  Index summary_size() const { return options_.hidden_size; }

  Encoded<Scalar> operator()(Var<Scalar> x, const data::Batch& batch, bool = false) const {
    const Var<Scalar> h = dropout(rnn(dropout(x, options_.dropout), batch.segments).output, options_.dropout);
    const Var<Scalar> state = at_queries(h, batch);
    return {.states = h, .queries = user ? (*user)(state) : state, .summary = state};
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("rnn", rnn);
    if (user) visitor("user", *user);
  }

  Layer<Scalar> rnn;
  std::optional<nn::Linear<Scalar>> user;  ///< state -> user vector

 private:
  options_type options_;
};

}  // namespace heed::inline HEED_ABI::recsys
