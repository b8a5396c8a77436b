// SPDX-License-Identifier: Apache-2.0
// Runs a log reader on a text instead of a file.
#pragma once

#include <sstream>
#include <string>

#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"

namespace heed::test {

/// Calls `reader`, one of the library's functions, with a text as a file of this name.
template <auto reader>
struct TextReader {
  const char* name;

  data::Interactions operator()(const std::string& text, const data::ReadOptions& options = {},
                                data::ReadReport* report = nullptr) const {
    std::istringstream in(text);
    return reader({in, name}, options, report);
  }
};

}  // namespace heed::test
