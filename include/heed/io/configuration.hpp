// SPDX-License-Identifier: Apache-2.0
// Changes the configuration of a training run from JSON. Requires nlohmann-json.
#pragma once

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "heed/io/options_json.hpp"
#include "heed/recsys/configuration.hpp"

namespace heed::inline HEED_ABI::io {

/// Sets the options that `patch` names, for example {"encoder": {"num_blocks": 4}}, and the options derived from them.
/// `C` is recsys::Configuration or recsys::ClickConfiguration. Throws as from_json and recsys::check_bounds, and
/// OptionError for an option that is derived from another one (recsys::derived_fields); nothing is changed then.
template <class C>
void change(const nlohmann::json& patch, C& configuration) {
  for (const auto& [path, source] : recsys::derived_fields()) {
    std::string pointer = "/" + path;
    std::ranges::replace(pointer, '.', '/');
    if (patch.contains(nlohmann::json::json_pointer(pointer))) {
      fail<OptionError>("options", path, " follows ", source);
    }
  }
  C changed = configuration;
  from_json(patch, changed);
  recsys::check_bounds(changed);
  if constexpr (requires { changed.recommender.max_length; }) {
    changed.recommender.max_length = changed.task.max_length;
  }
  configuration = std::move(changed);
}

}  // namespace heed::inline HEED_ABI::io
