// SPDX-License-Identifier: Apache-2.0
// The input as a JSON patch of a configuration or, if it is not JSON, as an assignment `name.sub=value`.
#include "heed/io/options_json.hpp"

#include <string_view>

#include "heed/io/configuration.hpp"
#include "input.hpp"

namespace {

using namespace heed;

/// A patch either sets options that survive a round trip, or is an error and changes nothing.
template <class Configuration>
void check(const nlohmann::json& patch) {
  static const nlohmann::json defaults = io::to_json(Configuration());
  Configuration changed;
  bool refused = true;
  fuzz::only_errors([&] {
    io::change(patch, changed);
    refused = false;
  });
  const nlohmann::json json = io::to_json(changed);
  if (refused) return fuzz::require(json == defaults);
  io::changes(defaults, json);
  Configuration again;
  io::from_json(json, again);
  fuzz::require(io::to_json(again) == json);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  nlohmann::json patch = nlohmann::json::parse(text, nullptr, false);
  if (patch.is_discarded()) fuzz::only_errors([&] { patch = io::assignment(text); });
  if (patch.is_discarded()) return 0;
  check<recsys::Configuration>(patch);
  check<recsys::ClickConfiguration>(patch);
  return 0;
}
