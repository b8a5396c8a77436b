// SPDX-License-Identifier: Apache-2.0
// Stochastic gradient descent with momentum.
#pragma once

#include "heed/kernels/sgd.hpp"
#include "heed/optim/optimizer.hpp"

namespace heed::inline HEED_ABI::optim {

struct SgdOptions {
  double learning_rate = 1e-3;
  double momentum = 0;
  bool nesterov = false;    ///< uses g + momentum b instead of b
  double weight_decay = 0;  ///< weight_decay * value is added to the gradient
  std::vector<Group> groups{};
  Executor* executor = nullptr;  ///< runs the chunks of a step; null: serial. Must outlive the optimiser

  void fields(auto&& visitor) {
    visitor("learning_rate", learning_rate, "momentum", momentum, "nesterov", nesterov, "weight_decay", weight_decay,
            "groups", groups, "executor", executor);
  }
};

/// b = momentum b + g; p -= learning_rate b. Equivalent to torch.optim.SGD with dampening 0.
template <class Scalar>
class Sgd : public Optimizer<Scalar> {
 public:
  /// Throws OptionError for a negative rate or decay, a momentum outside [0, 1), nesterov without momentum, or a group
  /// that matches nothing.
  explicit Sgd(const ParameterList<Scalar>& parameters, const SgdOptions& options = {})
      : Optimizer<Scalar>("sgd", parameters, options.learning_rate, options.weight_decay, options.groups,
                          options.executor,
                          options.momentum > 0 ? std::initializer_list<const char*>{"momentum_buffer"}
                                               : std::initializer_list<const char*>{}),
        momentum_(options.momentum),
        nesterov_(options.nesterov) {
    this->check(momentum_ >= 0 && momentum_ < 1, "momentum", momentum_, "is not in [0, 1)");
    this->check(!nesterov_ || momentum_ > 0, "momentum", momentum_, "must be positive with nesterov");
  }

 private:
  void update() override {
    const double rate = this->learning_rate();
    this->for_each_chunk([&](auto& entry, Index begin, Index end) {
      kernels::sgd(static_cast<Scalar>(rate * entry.rate_scale), static_cast<Scalar>(momentum_), nesterov_,
                   static_cast<Scalar>(entry.weight_decay), end - begin, entry.value->data() + begin,
                   entry.gradient->data() + begin, entry.state.empty() ? nullptr : entry.state[0].data() + begin);
    });
  }

  double momentum_;
  bool nesterov_;
};
template <class Scalar>
Sgd(const ParameterList<Scalar>&, const SgdOptions& = {}) -> Sgd<Scalar>;

}  // namespace heed::inline HEED_ABI::optim
