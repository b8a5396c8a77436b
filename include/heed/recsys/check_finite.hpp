// SPDX-License-Identifier: Apache-2.0
// Refuses scores and weights that are not finite, and names the weights.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

#include "heed/core/error.hpp"
#include "heed/kernels/first_not_finite.hpp"
#include "heed/nn/module.hpp"

namespace heed::inline HEED_ABI::recsys {

/// For scores that come without their model.
struct NoModel {};

/// Describes the first element of a parameter of `model` that is NaN or infinite, for example "items.weight [3, 2] is
/// nan in row 0, column 1". Empty if all are finite, and for a model without parameters.
template <class Model>
[[gnu::cold, gnu::noinline]] std::string weight_not_finite(const Model& model) {
  std::string out;
  if constexpr (nn::Module<Model>) {
    using Scalar = typename Model::scalar_type;
    nn::for_each_parameter(model, [&](const std::string& path, const Parameter<Scalar>& parameter) {
      if (!out.empty()) return;
      const TensorView<const Scalar> value = parameter.value().view();
      const auto [row, col] = kernels::first_not_finite<Scalar>(value.matrix());
      if (row == value.rows()) return;
      out = message(path, " ", value.shape(), " is ", value(row, col), " in row ", row, ", column ", col);
    });
  }
  return out;
}

/// Throws Error if a score of `model` is NaN or infinity, since no order of such scores has a meaning, and names the
/// first weight that is not finite. -infinity is valid: it marks an item that is not a candidate.
template <class Model, class Scalar>
void check_finite(std::string_view operation, const Model& model, std::span<const Scalar> scores) {
  const Index size = std::ssize(scores);
  for (Index i = 0; (i += kernels::first_not_finite<Scalar>(size - i, scores.data() + i)) < size; ++i) {
    const Scalar score = scores[static_cast<std::size_t>(i)];
    if (score == -std::numeric_limits<Scalar>::infinity()) continue;
    std::string weight = weight_not_finite(model);
    if (nn::Module<Model> && weight.empty()) weight = "all weights are finite, but the scores overflow";
    fail(operation, "a score is ", score, weight.empty() ? "" : ": ", weight);
  }
}

}  // namespace heed::inline HEED_ABI::recsys
