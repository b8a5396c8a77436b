// SPDX-License-Identifier: Apache-2.0
// Initial values of parameters. Random numbers are keyed by the parameter's path: adding a layer changes no others.
#pragma once

#include <cmath>
#include <string>
#include <string_view>

#include "heed/core/random.hpp"
#include "heed/nn/module.hpp"

namespace heed::inline HEED_ABI::nn {

/// Fills a parameter uniformly in [-bound, bound).
template <class Scalar>
void init_uniform(Parameter<Scalar>& parameter, Random random, double bound) {
  parameter.value() =
      Tensor<Scalar>::uniform(parameter.shape(), random, static_cast<Scalar>(-bound), static_cast<Scalar>(bound));
  parameter.restore_zero_row();
}

/// Fills a parameter normally with mean 0.
template <class Scalar>
void init_normal(Parameter<Scalar>& parameter, Random random, double standard_deviation) {
  parameter.value() = Tensor<Scalar>::normal(parameter.shape(), random, static_cast<Scalar>(standard_deviation));
  parameter.restore_zero_row();
}

template <class Scalar>
void init_constant(Parameter<Scalar>& parameter, double value) {
  parameter.value() = Tensor<Scalar>::full(parameter.shape(), static_cast<Scalar>(value));
  parameter.restore_zero_row();
}

/// Fills a [out, in] weight by Xavier uniform: bound sqrt(6 / (in + out)) (Glorot and Bengio 2010).
template <class Scalar>
void init_xavier_uniform(Parameter<Scalar>& parameter, Random random) {
  const double fan = static_cast<double>(parameter.shape()[0] + parameter.shape()[1]);
  init_uniform(parameter, random, std::sqrt(6.0 / fan));
}

namespace detail {

struct Initializer {
  Random random;
  std::string prefix;

  template <class Scalar>
  void operator()(std::string_view name, Parameter<Scalar>& parameter) const {
    // A parameter outside any layer is initialised like a linear layer's weight.
    const Index fan_in = parameter.shape().cols();
    init_uniform(parameter, random.fork(path_of(prefix, name)),
                 fan_in > 0 ? 1.0 / std::sqrt(static_cast<double>(fan_in)) : 0.0);
  }
  template <Module M>
  void operator()(std::string_view name, M& module) const {
    apply(module, path_of(prefix, name));
  }
  template <class T>
  void operator()(std::string_view name, std::vector<T>& list) const {
    for (std::size_t i = 0; i < list.size(); ++i) (*this)(path_of(name, i), list[i]);
  }
  template <Module M>
  [[gnu::noinline]] void apply(M& module, const std::string& path) const {
    if constexpr (requires { module.initialize(random); }) {
      module.initialize(random.fork(path));
    } else {
      module.visit(Initializer{random, path.empty() ? path : path + "."});
    }
  }
};

}  // namespace detail

/// Initialises each layer by its own rule (PyTorch's defaults; see each layer's `initialize`). A parameter held
/// directly by a module is uniform in +-1/sqrt(columns).
template <Module M>
void initialize(M& module, Random random) {
  detail::Initializer{random, ""}.apply(module, "");
}
template <Module... Ms>
void initialize(Modules<Ms...>&& several, Random random) {
  initialize(several, random);
}

}  // namespace heed::inline HEED_ABI::nn
