// SPDX-License-Identifier: Apache-2.0
// A stack of dense layers.
#pragma once

#include <vector>

#include "heed/nn/linear.hpp"
#include "heed/ops/dropout.hpp"

namespace heed::inline HEED_ABI::nn {

struct MlpOptions {
  Index in_features = 0;
  std::vector<Index> hidden_features{};  ///< output sizes of the hidden layers, which an activation follows
  Index out_features = 0;                ///< output size of the last layer, without activation
  Activation activation = Activation::relu;
  double dropout = 0;  ///< after each hidden layer
  bool bias = true;

  void fields(auto&& visitor) {
    visitor("in_features", in_features, "hidden_features", hidden_features, "out_features", out_features, "activation",
            activation, "dropout", dropout, "bias", bias);
  }
};

/// Linear layers with an activation between them; parameters `layers.0.weight`, ..
template <class Scalar = float>
class Mlp {
 public:
  using scalar_type = Scalar;

  explicit Mlp(const MlpOptions& options) : activation_(options.activation), dropout_(options.dropout) {
    check_probability("Mlp", "dropout", dropout_);
    Index in = options.in_features;
    for (Index hidden : options.hidden_features) {
      layers_.emplace_back(LinearOptions{.in_features = in, .out_features = hidden, .bias = options.bias});
      in = hidden;
    }
    layers_.emplace_back(LinearOptions{.in_features = in, .out_features = options.out_features, .bias = options.bias});
  }

  /// [.., in_features] -> [.., out_features].
  Var<Scalar> operator()(Var<Scalar> x) const {
    for (std::size_t i = 0; i + 1 < layers_.size(); ++i) x = dropout(layers_[i](x, activation_), dropout_);
    return layers_.back()(x);
  }

  const std::vector<Linear<Scalar>>& layers() const { return layers_; }

  void visit(auto&& visitor) { visitor("layers", layers_); }

 private:
  Activation activation_;
  double dropout_;
  std::vector<Linear<Scalar>> layers_;
};

}  // namespace heed::inline HEED_ABI::nn
