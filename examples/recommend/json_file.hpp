// SPDX-License-Identifier: Apache-2.0
// Reads the JSON files of `recommend benchmark`: its plan and its results.
#pragma once

#include <fstream>
#include <heed/core/error.hpp>
#include <heed/core/printable.hpp>
#include <heed/io/parse_json.hpp>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

/// Returns the object in `path`; nullopt when the file does not exist. Throws as parse_json, and heed::IoError when the
/// JSON is no object.
inline std::optional<nlohmann::json> read_json_object(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  const std::string text(std::istreambuf_iterator<char>(file), {});
  auto out = heed::io::parse_json(text, heed::printable(path));
  if (!out.is_object()) heed::fail<heed::IoError>("benchmark", heed::printable(path), " is not a JSON object");
  return out;
}
