// SPDX-License-Identifier: Apache-2.0
// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
#pragma once

#include "heed/optim/adam.hpp"

namespace heed::inline HEED_ABI::optim {

struct AdamWOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.01;  ///< learning_rate * weight_decay * value is subtracted
  std::vector<Group> groups{};
  Executor* executor = nullptr;  ///< runs the chunks of a step; null: serial. Must outlive the optimiser

  void fields(auto&& visitor) {
    visitor("learning_rate", learning_rate, "beta1", beta1, "beta2", beta2, "eps", eps, "weight_decay", weight_decay,
            "groups", groups, "executor", executor);
  }
};

/// p *= 1 - learning_rate weight_decay, then Adam's step without decay. Equivalent to torch.optim.AdamW.
template <class Scalar>
class AdamW : public Adam<Scalar> {
 public:
  /// Throws OptionError under the same conditions as Adam.
  explicit AdamW(const ParameterList<Scalar>& parameters, const AdamWOptions& o = {})
      : Adam<Scalar>("adamw", parameters,
                     {o.learning_rate, o.beta1, o.beta2, o.eps, o.weight_decay, o.groups, o.executor}, true) {}
};
template <class Scalar>
AdamW(const ParameterList<Scalar>&, const AdamWOptions& = {}) -> AdamW<Scalar>;

}  // namespace heed::inline HEED_ABI::optim
