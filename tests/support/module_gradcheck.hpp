// SPDX-License-Identifier: Apache-2.0
// Checks the gradients of a module with respect to its parameters and inputs.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "heed/autograd/parameter_list.hpp"
#include "heed/ops/add.hpp"
#include "heed/testing/gradcheck.hpp"

namespace heed::test {

/// Runs testing::gradcheck of `function(tape, inputs) -> Var<double>` with respect to the parameters, in their order,
/// and then the inputs. The parameters keep their values.
template <class Function>
testing::GradcheckResult gradcheck_module(const ParameterList<double>& parameters,
                                          const std::vector<Tensor<double>>& inputs, const Function& function,
                                          const testing::GradcheckOptions& options = {}) {
  std::vector<Tensor<double>> all;
  for (const auto& named : parameters) all.push_back(named.parameter->value());
  const std::vector<Tensor<double>> before = all;
  all.insert(all.end(), inputs.begin(), inputs.end());
  const auto set = [&](std::size_t i, TensorView<const double> value) {
    std::copy_n(value.data(), value.size(), parameters[i].parameter->value().data());
  };
  const std::size_t count = parameters.size();
  const auto result = testing::gradcheck(
      [&](Tape<double>& tape, std::span<const Var<double>> x) {
        for (std::size_t i = 0; i < count; ++i) {
          set(i, x[i].value());
          parameters[i].parameter->zero_gradient();
        }
        // Recorded before the function, so that its backward function runs last, after the parameters' gradients.
        const auto* list = &parameters;
        const Var<double>* kept = tape.keep(x);
        const Var<double> last = tape.record(x, tape.zeros({}), [=](const Gradients<double>& g) {
          for (std::size_t i = 0; i < count; ++i) {
            const auto to = g(kept[i]);
            const auto& from = (*list)[i].parameter->gradient();
            for (Index j = 0; j < to.size(); ++j) to[j] += from.data()[j];
          }
        });
        return add(function(tape, x.subspan(count)), last);
      },
      all, options);
  for (std::size_t i = 0; i < count; ++i) set(i, before[i]);
  return result;
}

}  // namespace heed::test
