// SPDX-License-Identifier: Apache-2.0
// Text for the tests of streams that decompress, and what such a stream reads.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "temporary.hpp"

namespace heed::test {

/// `lines` lines of about 10 bytes that compress poorly.
inline std::string long_text(int lines) {
  std::string text;
  unsigned state = 1;
  for (int i = 0; i < lines; ++i) {
    state = state * 1664525u + 1013904223u;
    text += std::to_string(state) + "\n";
  }
  return text;
}

/// All lines of a file of this name with these bytes, each followed by '\n', read with std::getline as the readers do.
template <class Stream>
std::string lines_of_file(const std::string& name, const std::string& bytes) {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file(name), bytes);
  Stream in(folder.file(name));
  std::string out, line;
  while (std::getline(in, line)) out += line + "\n";
  CHECK(in.eof());
  CHECK_FALSE(in.bad());
  return out;
}

}  // namespace heed::test
