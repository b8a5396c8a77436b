// SPDX-License-Identifier: Apache-2.0
// The fixtures that generate.py wrote, for the parity tests; README.md lists their tensors.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "heed/io/safetensors.hpp"

namespace parity {

using heed::Index;

struct FixtureTensor {
  std::vector<Index> shape;
  std::vector<double> values;  // row-major
};

/// `tests/parity/fixtures/<name>.safetensors`; the build defines HEED_SOURCE_DIR.
class Fixture {
 public:
  explicit Fixture(const std::string& name) : file_(path_of(name)) {}

  /// A floating-point tensor.
  FixtureTensor tensor(const std::string& name) const { return {file_.info(name).shape, file_.values<double>(name)}; }
  /// An integer tensor: offsets, ids, targets, hidden pairs.
  std::vector<Index> integers(const std::string& name) const {
    const std::vector<std::int64_t> values = file_.values<std::int64_t>(name);
    return {values.begin(), values.end()};
  }
  bool contains(const std::string& name) const { return file_.contains(name); }
  /// Returns the names that begin with `prefix`, without the prefix: `names("param.")` returns the state_dict names.
  std::vector<std::string> names(const std::string& prefix) const {
    std::vector<std::string> out;
    for (const auto& tensor : file_.tensors()) {
      if (tensor.name.starts_with(prefix)) out.push_back(tensor.name.substr(prefix.size()));
    }
    return out;
  }
  /// An option of the case as text ("9", "true", "1e-05"); empty if the case does not set it.
  std::string option(const std::string& name) const {
    const auto found = file_.metadata().find(name);
    return found == file_.metadata().end() ? "" : found->second;
  }

 private:
  static std::string path_of(const std::string& name) {
    std::string path = HEED_SOURCE_DIR;  // GCC 12 issues a false warning for a chain of + here
    path += "/tests/parity/fixtures/";
    path += name;
    path += ".safetensors";
    return path;
  }
  heed::io::SafetensorsFile file_;
};

/// Returns max|a - b| / max|b|, the relative error of a with reference b (absolute if b is all zero). Infinite if the
/// sizes differ or any difference is NaN, so that a comparison with a tolerance fails.
template <class A>
double relative_error(const A& a, const std::vector<double>& b) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (static_cast<std::size_t>(a.size()) != b.size()) return infinity;
  double difference = 0, scale = 0;
  auto at = a.begin();
  for (const double expected : b) {
    const double d = std::abs(static_cast<double>(*at++) - expected);
    if (std::isnan(d)) return infinity;
    difference = std::max(difference, d);
    scale = std::max(scale, std::abs(expected));
  }
  return scale > 0 ? difference / scale : difference;
}

}  // namespace parity
