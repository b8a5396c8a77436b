// SPDX-License-Identifier: Apache-2.0
// The names of tests: CMake keeps them in lists, where a semicolon separates entries and an opening bracket without its
// closing one joins all entries that follow, so that the tests among them never run.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

namespace HEED_TEST_UNIT {

/// The names in a file's TEST_CASE lines that a CMake list cannot hold.
std::vector<std::string> unsafe_names(const std::string& text) {
  static const std::regex test_case("\\bTEST_CASE\\(\\s*\"((?:[^\"\\\\]|\\\\.)*)\"");
  std::vector<std::string> out;
  for (std::sregex_iterator it(text.begin(), text.end(), test_case), end; it != end; ++it) {
    const std::string name = (*it)[1];
    if (name.empty() || name.find_first_of("[];\\$") != std::string::npos) out.push_back(name);
  }
  return out;
}

TEST_CASE("the names of all tests can stand in a CMake list") {
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
