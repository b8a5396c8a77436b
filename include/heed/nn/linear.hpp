// SPDX-License-Identifier: Apache-2.0
// A dense layer.
#pragma once

#include <cmath>

#include "heed/nn/init.hpp"
#include "heed/ops/linear_dropout.hpp"

namespace heed::inline HEED_ABI::nn {

struct LinearOptions {
  Index in_features = 0;
  Index out_features = 0;
  bool bias = true;

  void fields(auto&& visitor) { visitor("in_features", in_features, "out_features", out_features, "bias", bias); }
};

/// y = x W^T + b; weight [out, in], bias [out]. As torch.nn.Linear.
template <class Scalar = float>
class Linear {
 public:
  using scalar_type = Scalar;

  explicit Linear(const LinearOptions& options)
      : weight({checked(options).out_features, options.in_features}), bias({options.bias ? options.out_features : 0}) {}

  /// Returns activation(x W^T + b): x [.., in] -> [.., out].
  Var<Scalar> operator()(Var<Scalar> x, Activation activation = Activation::identity) const {
    Tape<Scalar>& tape = x.tape();
    return linear(x, tape.parameter(weight), bias.size() > 0 ? tape.parameter(bias) : Var<Scalar>(), activation);
  }

  /// Returns residual + dropout(activation(x W^T + b)); see linear_dropout.
  Var<Scalar> operator()(Var<Scalar> x, const LinearDropoutOptions<Scalar>& options) const {
    Tape<Scalar>& tape = x.tape();
    const Var<Scalar> w = tape.parameter(weight);
    return linear_dropout(x, w, bias.size() > 0 ? tape.parameter(bias) : Var<Scalar>(), options);
  }

  /// Initialises weight and bias uniformly in +-1/sqrt(in).
  void initialize(Random random) {
    const double bound = 1.0 / std::sqrt(static_cast<double>(weight.shape()[1]));
    init_uniform(weight, random.fork("weight"), bound);
    init_uniform(bias, random.fork("bias"), bound);
  }

  void visit(auto&& visitor) {
    visitor("weight", weight);
    if (bias.size() > 0) visitor("bias", bias);
  }

  Parameter<Scalar> weight;
  Parameter<Scalar> bias;  ///< `[0]` without a bias

 private:
  static const LinearOptions& checked(const LinearOptions& options) {
    if (options.in_features <= 0 || options.out_features <= 0) {
      fail<OptionError>("Linear", "in_features ", options.in_features, " and out_features ", options.out_features,
                        " must be positive");
    }
    return options;
  }
};

}  // namespace heed::inline HEED_ABI::nn
