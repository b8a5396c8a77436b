// SPDX-License-Identifier: Apache-2.0
// The input as a JSON patch of a configuration, and as an assignment `name.sub=value`.
#include "heed/io/options_json.hpp"

#include <string_view>

#include "heed/io/configuration.hpp"
#include "input.hpp"

namespace {

using namespace heed;

/// Calls `change(configuration)`: it either sets options that survive a round trip, or throws and changes nothing.
template <class Configuration, class Change>
void check(const Configuration& defaults, Change&& change) {
  Configuration changed = defaults;
  try {
    change(changed);
  } catch (const Error&) {
    return fuzz::require(io::to_json(changed) == io::to_json(defaults));
  }
  const nlohmann::json json = io::to_json(changed);
  Configuration again;
  io::from_json(json, again);
  fuzz::require(io::to_json(again) == json);
  io::changes(io::to_json(defaults), json);
  io::help(changed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const nlohmann::json patch = nlohmann::json::parse(text, nullptr, false);
  const auto check_all = [&](const auto& defaults) {
    check(defaults, [&](auto& changed) { io::set(changed, text); });
    if (!patch.is_discarded()) check(defaults, [&](auto& changed) { io::change(patch, changed); });
  };
  static const recsys::Configuration next_item;
  static const recsys::ClickConfiguration click;
  check_all(next_item);
  check_all(click);
  return 0;
}
