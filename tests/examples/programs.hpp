// SPDX-License-Identifier: Apache-2.0
// Runs the recommend program on a small log.
#pragma once

#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <sstream>
#include <string>

#include "io/temporary.hpp"
#include "io/xml.hpp"

struct Outcome {
  int status = -1;
  std::string text;  // output and errors
};

/// Runs a line of shell in `folder`, where $recommend is the program and $examples the folder of all programs.
inline Outcome shell(const temporary::Folder& folder, const std::string& line) {
  const std::string command = "cd '" + folder.path.string() + "' && examples='" HEED_EXAMPLES_BINARY_DIR
                              "' && recommend=\"$examples/recommend\" && { " + line + "; } 2>&1";
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Outcome out;
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) out.text.append(buffer, n);
  const int status = ::pclose(pipe);
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

/// 40 customers with four baskets each: milk and a product that varies.
inline std::string small_log() {
  std::ostringstream out;
  for (int customer = 0; customer < 40; ++customer) {
    for (int day = 0; day < 4; ++day) {
      out << "c" << customer << '\t' << 1300000000 + 86400 * day << "\tmilk p" << (customer * 7 + day * 3) % 11 << '\n';
    }
  }
  return out.str();
}

inline void check_page(const std::string& path) {
  const Xml page(temporary::read_bytes(path));
  CHECK(page.first_error == "");
  CHECK(page.count("svg") > 0);
}
