// SPDX-License-Identifier: Apache-2.0
// Parameters that an optimiser treats in a way of their own.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "heed/core/shape.hpp"

namespace heed::inline HEED_ABI::optim {

/// Overrides an optimiser's options for the parameters that `matches` says, by path (as `visit` gives it) or shape.
/// The first group that matches a parameter is its group.
struct Group {
  std::function<bool(std::string_view path, const Shape& shape)> matches;
  double learning_rate_scale = 1;
  std::optional<double> weight_decay{};  ///< instead of the optimiser's
  bool frozen = false;                   ///< never updated, nor decayed; the gradients are zeroed as ever
};

/// Matches the part of a model at `path` and everything below it: "encoder" matches "encoder.weight", not "encoder2".
inline auto under(std::string path) {
  return [path = std::move(path)](std::string_view name, const Shape&) {
    return name.starts_with(path) && (name.size() == path.size() || path.empty() || name[path.size()] == '.');
  };
}

/// Matches parameters of one dimension: biases, the weights of norms, and the score vectors of attention.
inline bool is_vector(std::string_view, const Shape& shape) { return shape.rank() <= 1; }

/// No weight decay on parameters of one dimension: biases and norms.
inline Group no_decay_on_vectors() { return {.matches = is_vector, .weight_decay = 0.0}; }

/// Keeps the part of a model at `path` as it is.
inline Group frozen(std::string path) { return {.matches = under(std::move(path)), .frozen = true}; }

}  // namespace heed::inline HEED_ABI::optim
