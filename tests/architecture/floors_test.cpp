// SPDX-License-Identifier: Apache-2.0
// Checks that the files of include/heed follow the house rules in CONTRIBUTING.md: permitted includes, the use of Eigen
// and intrinsics, the length of headers, and that each has a test.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace HEED_TEST_UNIT {

namespace fs = std::filesystem;

constexpr int max_lines = 400;
constexpr int umbrella_floor = 9;

/// Maps paths relative to the checkout to the text of the files.
using Tree = std::map<std::string, std::string>;

const std::map<std::string, int> floors = {{"core", 1},    {"simd", 2},   {"kernels", 3}, {"autograd", 4},
                                           {"ops", 5},     {"nn", 6},     {"optim", 6},   {"data", 6},
                                           {"testing", 6}, {"recsys", 7}, {"io", 8}};

/// "heed/nn/linear.hpp" -> "nn"; "heed/openmp.hpp" -> "openmp.hpp".
std::string folder_of(const std::string& header) {
  const std::string inner = header.substr(std::string("heed/").size());
  return inner.substr(0, inner.find('/'));
}

/// Returns 0 for a folder without a floor.
int floor_of(const std::string& header) {
  if (header == "heed/heed.hpp") return umbrella_floor;
  if (header == "heed/fwd.hpp") return 2;  // it may include core/config.hpp
  if (header == "heed/openmp.hpp") return 8;
  const auto found = floors.find(folder_of(header));
  return found == floors.end() ? 0 : found->second;
}

/// Returns the names in the #include lines of a file, without quotes or brackets.
std::vector<std::string> includes_of(const std::string& text) {
  static const std::regex line("(?:^|\n)[ \t]*#[ \t]*include[ \t]*[<\"]([^>\"]+)[>\"]");
  std::vector<std::string> out;
  for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end; ++it) out.push_back((*it)[1]);
  return out;
}

/// Returns the text without // comments and string literals, which may mention what the rules forbid.
std::string code_of(const std::string& text) {
  static const std::regex noise("\"(?:[^\"\\\\\n]|\\\\.)*\"|//[^\n]*");
  return std::regex_replace(text, noise, "");
}

bool is_eigen(const std::string& name) { return name.starts_with("Eigen/") || name.starts_with("unsupported/Eigen/"); }

bool under(const std::string& header, const std::string& part) {
  return header.find("/" + part + "/") != std::string::npos;
}

/// Returns the chain of includes from `header` to Eigen or core/tensor.hpp, which includes Eigen; empty if none exists.
std::string way_to_eigen(const Tree& tree, const std::string& header, std::set<std::string>& seen) {
  const auto found = tree.find("include/" + header);
  if (found == tree.end() || !seen.insert(header).second) return "";
  for (const std::string& name : includes_of(found->second)) {
    if (is_eigen(name) || name == "heed/core/tensor.hpp") return header + " -> " + name;
    const std::string rest = way_to_eigen(tree, name, seen);
    if (!rest.empty()) return header + " -> " + rest;
  }
  return "";
}

void check_includes(const Tree& tree, const std::string& header, const std::string& text,
                    std::vector<std::string>& out) {
  const int floor = floor_of(header);
  for (const std::string& name : includes_of(text)) {
    for (const char* heavy : {"iostream", "random", "regex"}) {
      if (name == heavy)
        out.push_back(header + " includes <" + name + ">, which is slow to compile or not reproducible");
    }
    if ((name.ends_with("intrin.h") || name == "arm_neon.h") && !under(header, "arch")) {
      out.push_back(header + " includes " + name + " outside simd/arch");
    }
    if (!name.starts_with("heed/")) continue;
    if (folder_of(header) == "nn" && name.starts_with("heed/kernels/")) {
      out.push_back(header + " includes " + name + ": nn composes ops and never calls kernels");
    }
    if (!tree.contains("include/" + name)) {
      out.push_back(header + " includes " + name + ", which does not exist");
    } else if (name == "heed/heed.hpp") {
      out.push_back(header + " includes the umbrella");
    } else if (folder_of(name) != folder_of(header) && floor_of(name) >= floor) {
      out.push_back(header + " (floor " + std::to_string(floor) + ") includes " + name + " (floor " +
                    std::to_string(floor_of(name)) + ")");
    } else if (floor == umbrella_floor && floor_of(name) == 8) {
      out.push_back(header + " includes the opt-in adapter " + name);
    }
  }
}

/// Returns one sentence per violation.
std::vector<std::string> violations(const Tree& tree) {
  static const std::regex intrinsic("\\b_mm[0-9]*_[a-z0-9_]+\\s*\\("), kernel("\\bkernels\\s*::");
  std::vector<std::string> out;
  for (const auto& [path, text] : tree) {
    if (!path.starts_with("include/")) continue;
    const std::string header = path.substr(std::string("include/").size());
    if (floor_of(header) == 0) {
      out.push_back(header + " stands in a folder that has no floor");
      continue;
    }
    check_includes(tree, header, text, out);

    const std::string folder = folder_of(header);
    if (folder == "simd" || folder == "kernels") {
      std::set<std::string> seen;
      const std::string way = way_to_eigen(tree, header, seen);
      if (!way.empty()) out.push_back(header + " reaches Eigen: " + way);
    }
    const std::string code = code_of(text);
    if (!header.starts_with("heed/simd/arch/") && std::regex_search(code, intrinsic)) {
      out.push_back(header + " uses intrinsics outside simd/arch");
    }
    if (folder == "nn" && std::regex_search(code, kernel)) {
      out.push_back(header + " names kernels::, but nn composes ops and never calls kernels");
    }
    if (!text.starts_with("// SPDX-License-Identifier: Apache-2.0\n"))
      out.push_back(header + " does not begin with its licence");
    if (text.find("\n#pragma once\n") == std::string::npos) out.push_back(header + " has no #pragma once");
    const auto lines = std::count(text.begin(), text.end(), '\n');
    if (lines > max_lines) out.push_back(header + " has " + std::to_string(lines) + " lines");

    const bool part = under(header, "detail") || under(header, "arch") || under(header, "reference");
    if (!part && header != "heed/heed.hpp" && header != "heed/fwd.hpp") {
      const std::string inner = header.substr(std::string("heed/").size());
      const std::string test = "tests/" + inner.substr(0, inner.size() - std::string(".hpp").size()) + "_test.cpp";
      if (!tree.contains(test)) out.push_back(header + " has no " + test);
    }
  }
  return out;
}

Tree checkout() {
  Tree tree;
  const fs::path root = HEED_SOURCE_DIR;
  for (const char* folder : {"include", "tests"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".hpp" && extension != ".cpp") continue;
      std::ostringstream text;
      text << std::ifstream(entry.path()).rdbuf();
      tree[fs::relative(entry.path(), root).generic_string()] = text.str();
    }
  }
  return tree;
}

/// A small source tree without violations, to test the rules with.
Tree sound() {
  const std::string top = "// SPDX-License-Identifier: Apache-2.0\n// A header.\n#pragma once\n";
  Tree tree;
  tree["include/heed/core/view.hpp"] = top;
  tree["include/heed/core/tensor.hpp"] = top + "#include <Eigen/Core>\n#include \"heed/core/view.hpp\"\n";
  tree["include/heed/simd/arch/avx2.hpp"] = top + "#include <immintrin.h>\ninline void f() { _mm256_setzero_ps(); }\n";
  tree["include/heed/simd/pack.hpp"] = top + "#include \"heed/simd/arch/avx2.hpp\"\n";
  tree["include/heed/kernels/gemm.hpp"] = top + "#include \"heed/simd/pack.hpp\"\n#include \"heed/core/view.hpp\"\n";
  tree["include/heed/nn/linear.hpp"] = top + "#include \"heed/core/tensor.hpp\"\n";
  tree["include/heed/data/batch.hpp"] = top;
  tree["include/heed/openmp.hpp"] = top + "#include \"heed/core/view.hpp\"\n";
  tree["include/heed/heed.hpp"] = top + "#include \"heed/nn/linear.hpp\"\n";
  for (const char* test :
       {"core/view", "core/tensor", "simd/pack", "kernels/gemm", "nn/linear", "data/batch", "openmp"}) {
    tree[std::string("tests/") + test + "_test.cpp"] = "";
  }
  return tree;
}

/// Returns the violations after `line` is added to `header` of the sound tree.
std::vector<std::string> with_line(const std::string& header, const std::string& line) {
  Tree tree = sound();
  tree.at("include/heed/" + header) += line + "\n";
  return violations(tree);
}

TEST_CASE("all headers follow the house rules") {
  const Tree tree = checkout();
  REQUIRE(tree.contains("include/heed/core/config.hpp"));
  for (const std::string& violation : violations(tree)) {
    FAIL_CHECK(violation);
  }
}

TEST_CASE("a violation of each house rule is reported") {
  REQUIRE(violations(sound()).empty());

  using Wrong = std::vector<std::string>;
  CHECK(with_line("core/view.hpp", "#include \"heed/simd/pack.hpp\"") ==
        Wrong{"heed/core/view.hpp (floor 1) includes heed/simd/pack.hpp (floor 2)"});
  CHECK(with_line("nn/linear.hpp", "#  include \"heed/data/batch.hpp\"") ==
        Wrong{"heed/nn/linear.hpp (floor 6) includes heed/data/batch.hpp (floor 6)"});
  CHECK(with_line("nn/linear.hpp", "#include <heed/heed.hpp>") == Wrong{"heed/nn/linear.hpp includes the umbrella"});
  CHECK(with_line("nn/linear.hpp", "#include \"heed/nn/lstm.hpp\"") ==
        Wrong{"heed/nn/linear.hpp includes heed/nn/lstm.hpp, which does not exist"});
  CHECK(with_line("heed.hpp", "#include \"heed/openmp.hpp\"") ==
        Wrong{"heed/heed.hpp includes the opt-in adapter heed/openmp.hpp"});
  CHECK(with_line("kernels/gemm.hpp", "#include <Eigen/Core>").size() == 1);
  CHECK(
      with_line("core/view.hpp", "#include \"heed/core/tensor.hpp\"") ==
      Wrong{
          "heed/kernels/gemm.hpp reaches Eigen: heed/kernels/gemm.hpp -> heed/core/view.hpp -> heed/core/tensor.hpp"});
  CHECK(with_line("kernels/gemm.hpp", "inline void g() { _mm_pause (); }").size() == 1);
  CHECK(with_line("kernels/gemm.hpp", "// the scalar of _mm_pause()").empty());
  CHECK(with_line("kernels/gemm.hpp", "#include <immintrin.h>").size() == 1);
  CHECK(with_line("nn/linear.hpp", "#include \"heed/kernels/gemm.hpp\"").size() == 1);
  CHECK(with_line("nn/linear.hpp", "inline void g() { kernels::gemm(); }").size() == 1);
  CHECK(with_line("nn/linear.hpp", "// see kernels::gemm").empty());
  CHECK(with_line("nn/linear.hpp", "#include <random>").size() == 1);
  CHECK(with_line("nn/linear.hpp", std::string(max_lines, '\n')).size() == 1);

  Tree untested = sound();
  untested.erase("tests/nn/linear_test.cpp");
  CHECK(violations(untested) == Wrong{"heed/nn/linear.hpp has no tests/nn/linear_test.cpp"});
  Tree stray = sound();
  stray["include/heed/util/misc.hpp"] = "";
  CHECK(violations(stray) == Wrong{"heed/util/misc.hpp stands in a folder that has no floor"});
  Tree bare = sound();
  bare["include/heed/data/batch.hpp"] = "";
  CHECK(violations(bare).size() == 2);
}

}  // namespace HEED_TEST_UNIT
