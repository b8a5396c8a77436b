// SPDX-License-Identifier: Apache-2.0
// Layer normalisation.
#pragma once

#include "heed/nn/init.hpp"
#include "heed/ops/layer_norm.hpp"

namespace heed::inline HEED_ABI::nn {

struct LayerNormOptions {
  Index features = 0;
  double eps = 1e-5;

  void fields(auto&& visitor) { visitor("features", features, "eps", eps); }
};

/// Returns (x - mean) / sqrt(variance + eps) * weight + bias over the last dimension. As torch.nn.LayerNorm.
template <class Scalar = float>
class LayerNorm {
 public:
  using scalar_type = Scalar;

  explicit LayerNorm(const LayerNormOptions& options)
      : weight({options.features}), bias({options.features}), eps_(options.eps) {
    if (options.features <= 0 || !(options.eps > 0)) {
      fail<OptionError>("LayerNorm", "features ", options.features, " and eps ", options.eps, " must be positive");
    }
    initialize(Random());
  }

  Var<Scalar> operator()(Var<Scalar> x) const {
    Tape<Scalar>& tape = x.tape();
    return layer_norm(x, tape.parameter(weight), tape.parameter(bias), eps_);
  }

  /// Weight 1, bias 0.
  void initialize(Random) {
    init_constant(weight, 1);
    init_constant(bias, 0);
  }

  void visit(auto&& visitor) {
    visitor("weight", weight);
    visitor("bias", bias);
  }

  Parameter<Scalar> weight, bias;

 private:
  double eps_;
};

}  // namespace heed::inline HEED_ABI::nn
