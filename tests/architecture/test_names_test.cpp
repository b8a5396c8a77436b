// SPDX-License-Identifier: Apache-2.0
// Checks the names of tests. CMake stores them in lists, in which a semicolon separates entries and an unbalanced
// opening bracket joins all following entries, so that the tests among these would never run.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace HEED_TEST_UNIT {

/// Returns the names in the TEST_CASE lines of a file that a CMake list cannot contain.
std::vector<std::string> unsafe_names(const std::string& text) {
  static const std::regex test_case("\\bTEST_CASE\\(\\s*\"((?:[^\"\\\\]|\\\\.)*)\"");
  std::vector<std::string> out;
  for (std::sregex_iterator it(text.begin(), text.end(), test_case), end; it != end; ++it) {
    const std::string name = (*it)[1];
    if (name.empty() || name.find_first_of("[];\\$") != std::string::npos) out.push_back(name);
  }
  return out;
}

TEST_CASE("a CMake list can contain the names of all tests") {
  namespace fs = std::filesystem;
  std::size_t files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(fs::path(HEED_SOURCE_DIR) / "tests")) {
    if (!entry.path().filename().string().ends_with("_test.cpp")) continue;
    ++files;
    std::ostringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    for (const std::string& name : unsafe_names(text.str())) {
      FAIL_CHECK(entry.path().filename().string() << ": '" << name << "' contains one of [ ] ; \\ $, or nothing");
    }
  }
  CHECK(files > 100);
}

TEST_CASE("a test name with a bracket, a semicolon, a backslash or a dollar sign is refused") {
  const auto name = [](const std::string& text) { return unsafe_names("TEST_" "CASE(\"" + text + "\") {\n}\n"); };
  CHECK(name("numbers from 0 to 1, 1 excluded").empty());
  for (const std::string wrong : {"in [0, 1)", "in (0, 1]", "one; two", "a \\\\ b", "$HOME", ""}) {
    CHECK(name(wrong) == std::vector{wrong});
  }
}

}  // namespace HEED_TEST_UNIT
