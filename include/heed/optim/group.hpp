// SPDX-License-Identifier: Apache-2.0
// Parameter groups with their own optimiser options.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "heed/core/shape.hpp"

namespace heed::inline HEED_ABI::optim {

/// Overrides an optimiser's options for the parameters for which `matches` returns true, given their path (see `visit`)
/// and shape. The first group that matches a parameter applies.
struct Group {
  std::function<bool(std::string_view path, const Shape& shape)> matches;
  double learning_rate_scale = 1;
  std::optional<double> weight_decay{};  ///< replaces the optimiser's
  bool frozen = false;                   ///< neither updated nor decayed; `step` still zeroes the gradients
};

/// Matches the part of a model at `path` and everything below it: "encoder" matches "encoder.weight", not "encoder2".
inline auto under(std::string path) {
  return [path = std::move(path)](std::string_view name, const Shape&) {
    return name.starts_with(path) && (name.size() == path.size() || path.empty() || name[path.size()] == '.');
  };
}

/// Matches parameters of one dimension: biases, the weights of norms, and the score vectors of attention.
inline bool is_vector(std::string_view, const Shape& shape) { return shape.rank() <= 1; }

/// Disables weight decay for parameters of one dimension: biases and norms.
inline Group no_decay_on_vectors() { return {.matches = is_vector, .weight_decay = 0.0}; }

/// Freezes the part of a model at `path`: the optimiser does not update it.
inline Group frozen(std::string path) { return {.matches = under(std::move(path)), .frozen = true}; }

}  // namespace heed::inline HEED_ABI::optim
