// SPDX-License-Identifier: Apache-2.0
// Adam (Kingma and Ba 2015).
#pragma once

#include "heed/kernels/adam.hpp"
#include "heed/optim/optimizer.hpp"

namespace heed::inline HEED_ABI::optim {

struct AdamOptions {
  double learning_rate = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;        ///< added to the square root of the corrected second moment
  double weight_decay = 0;  ///< weight_decay * value is added to the gradient
  std::vector<Group> groups{};
  Executor* executor = nullptr;  ///< runs the chunks of a step; null: serial. Must outlive the optimiser

  void fields(auto&& visitor) {
    visitor("learning_rate", learning_rate, "beta1", beta1, "beta2", beta2, "eps", eps, "weight_decay", weight_decay,
            "groups", groups, "executor", executor);
  }
};

/// m and v are running means of the gradient and its square; p -= learning_rate m' / (sqrt(v') + eps), where m' and v'
/// are corrected for the bias of starting at zero. Equivalent to torch.optim.Adam.
template <class Scalar>
class Adam : public Optimizer<Scalar> {
 public:
  /// Throws OptionError for a negative rate, decay or eps, a beta outside [0, 1), or a group that matches nothing.
  explicit Adam(const ParameterList<Scalar>& parameters, const AdamOptions& options = {})
      : Adam("adam", parameters, options, false) {}

 protected:
  Adam(const char* name, const ParameterList<Scalar>& parameters, const AdamOptions& options, bool decoupled)
      : Optimizer<Scalar>(name, parameters, options.learning_rate, options.weight_decay, options.groups,
                          options.executor, {"exp_avg", "exp_avg_sq"}),
        beta1_(options.beta1),
        beta2_(options.beta2),
        eps_(options.eps),
        decoupled_(decoupled) {
    this->check(beta1_ >= 0 && beta1_ < 1, "beta1", beta1_, "is not in [0, 1)");
    this->check(beta2_ >= 0 && beta2_ < 1, "beta2", beta2_, "is not in [0, 1)");
    this->check(eps_ >= 0, "eps", eps_, "is negative");
  }

  /// Returns the constants of the current step for a parameter.
  kernels::AdamStep<Scalar> step_of(const typename Optimizer<Scalar>::Entry& entry) const {
    return {this->learning_rate() * entry.rate_scale, beta1_, beta2_, eps_, entry.weight_decay, decoupled_,
            static_cast<double>(this->steps())};
  }

  void update() override {
    this->for_each_chunk([&](auto& entry, Index begin, Index end) {
      kernels::adam(step_of(entry), end - begin, entry.value->data() + begin, entry.gradient->data() + begin,
                    entry.state[0].data() + begin, entry.state[1].data() + begin);
    });
  }

 private:
  double beta1_, beta2_, eps_;
  bool decoupled_;
};
template <class Scalar>
Adam(const ParameterList<Scalar>&, const AdamOptions& = {}) -> Adam<Scalar>;

}  // namespace heed::inline HEED_ABI::optim
