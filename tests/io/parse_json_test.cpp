// SPDX-License-Identifier: Apache-2.0
#include "heed/io/parse_json.hpp"

#include <catch2/catch.hpp>
#include <string>

#include "support/error_of.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

std::string repeat(const std::string& text, std::ptrdiff_t count) {
  std::string out;
  for (std::ptrdiff_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string error_of(const std::string& text) {
  return test::error_of<IoError>([&] { io::parse_json(text, "metadata 'x'"); });
}

TEST_CASE("a document is parsed, and anything else is an error that names its source", "[io]") {
  CHECK(io::parse_json(R"({"a": [1, 2.5, "x"]})", "x").at("a").at(2) == "x");
  CHECK_THAT(error_of("{\"a\": "), StartsWith("parse_json: metadata 'x' is not JSON: "));
  CHECK_THAT(error_of(""), Contains("is not JSON"));
  CHECK(io::try_parse_json("[1]").value().size() == 1);
  CHECK(!io::try_parse_json("[1"));
}

TEST_CASE("a document may nest up to the limit and no deeper, whatever its size", "[io]") {
  for (const auto& [open, close] : {std::pair("[", "]"), std::pair("{\"a\":", "}")}) {
    const auto nested = [&, open = open, close = close](std::ptrdiff_t depth) {
      return repeat(open, depth) + "1" + repeat(close, depth);
    };
    CHECK(error_of(nested(io::max_json_depth)) == "");
    CHECK(error_of(nested(io::max_json_depth + 1)) == "parse_json: metadata 'x' nests more than 64 arrays and objects");
    CHECK_THAT(error_of(nested(1000000)), Contains("nests more than 64"));
    CHECK_THAT(error_of(repeat(open, 1000000)), Contains("nests more than 64"));
    CHECK(!io::try_parse_json(nested(1000000)));
  }
  // Neither many values beside one another nor brackets in texts are nesting.
  CHECK(error_of("[" + repeat("[{}],", 1000) + "0]") == "");
  CHECK(error_of("[\"\\\"\\\\" + repeat("[{", 1000) + "\", \"" + repeat("[", 100) + "\\\\\"]") == "");
  CHECK_THAT(error_of("[\"" + repeat("]", 1000) + "\"" + repeat(",[", 70)), Contains("nests more than 64"));
}

}  // namespace HEED_TEST_UNIT
