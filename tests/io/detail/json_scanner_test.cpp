// SPDX-License-Identifier: Apache-2.0
#include "heed/io/detail/json_scanner.hpp"

#include <rapidcheck.h>

#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "heed/core/utf8.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using heed::Index;

struct Fault {
  std::string what;
};
constexpr auto complain = [](std::string_view what) { throw Fault{std::string(what)}; };

/// Reads `text`, which must be a list of texts.
std::vector<std::string> texts_of(std::string_view text) {
  heed::io::detail::JsonScanner scanner(text, complain);
  std::vector<std::string> out;
  scanner.each('[', ']', [&] { scanner.string(out.emplace_back()); });
  scanner.end();
  return out;
}

std::vector<Index> integers_of(std::string_view text) {
  heed::io::detail::JsonScanner scanner(text, complain);
  std::vector<Index> out;
  scanner.each('[', ']', [&] {
    out.push_back(scanner.integer(std::numeric_limits<Index>::min(), std::numeric_limits<Index>::max()));
  });
  scanner.end();
  return out;
}

template <class Read>
std::string fault_of(const Read& read, std::string_view text) {
  try {
    read(text);
  } catch (const Fault& fault) {
    return fault.what;
  }
  return "";
}

TEST_CASE("texts of JSON are read as nlohmann-json reads them, and refused where it refuses them", "[io][json]") {
  const auto same = [](const std::string& text) {
    const auto wanted = nlohmann::json::parse(text, nullptr, false);
    const bool texts =
        wanted.is_array() && std::ranges::all_of(wanted, [](const auto& one) { return one.is_string(); });
    INFO(text);
    if (!texts) {
      CHECK(fault_of(texts_of, text) != "");
    } else {
      CHECK(texts_of(text) == wanted.get<std::vector<std::string>>());
    }
  };
  for (const char* text : {"[]",
                           " [\n\t\r] ",
                           R"(["a","b"])",
                           R"([ "a" , "" ])",
                           R"(["\"\\\/\b\f\n\r\t"])",
                           R"(["\u0000\u001b\u00e9\u20AC"])",
                           R"(["\ud83d\uDE00\uffff\ud7ff\ue000"])",
                           "[\"caf\u00e9 \U0001F600\"]",
                           "",
                           "[",
                           "[\"",
                           "[\"a",
                           "[\"a\\",
                           "[\"a\\\"",
                           "[\"a\"",
                           "[\"a\",",
                           "[\"a\",]",
                           "[,\"a\"]",
                           "[\"a\" \"b\"]",
                           "[\"a\"]]",
                           "[\"a\"]x",
                           "{\"a\":1}",
                           "\"a\"",
                           "[1]",
                           "[null]",
                           "[[\"a\"]]",
                           R"(["\x"])",
                           R"(["\u12"])",
                           R"(["\u12g4"])",
                           R"(["\u-123"])",
                           R"(["\u+123"])",
                           R"(["\ud800"])",
                           R"(["\ud800a"])",
                           R"(["\ud800\u0041"])",
                           R"(["\ud800\ud800"])",
                           R"(["\udc00"])",
                           R"(["\udc00\ud800"])",
                           "[\"a\nb\"]",
                           "[\"\x1f\"]",
                           "[\"\x7f\"]",
                           "[\v]",
                           "['a']"}) {
    same(text);
  }
  CHECK(rc::check("lists of parts that matter to a parser", [&] {
    const auto parts = *rc::gen::container<std::vector<std::string>>(
        rc::gen::element<std::string>("\"", "\"", "\",\"", "\\", "\\\\", "\\n", "\\u", "\\u0041", "\\ud83d", "\\ude00",
                                      "00", "a", "\u00e9", " ", ",", "[", "]", "\n"));
    std::string text = "[\"";
    for (const std::string& part : parts) text += part;
    same(text + *rc::gen::element<std::string>("\"]", "]", ""));
  }));
  CHECK(rc::check("what nlohmann-json writes", [] {
    const auto texts = *rc::gen::arbitrary<std::vector<std::string>>();
    std::vector<std::string> valid;
    for (const std::string& text : texts) valid.push_back(text.substr(0, heed::detail::utf8_valid_prefix(text)));
    RC_ASSERT(texts_of(nlohmann::json(valid).dump()) == valid);
  }));
}

TEST_CASE("integers of JSON are read, and all other numbers refused", "[io][json]") {
  CHECK(integers_of("[0, -0 ,7,-12,9223372036854775807,-9223372036854775808]") ==
        std::vector<Index>{0, 0, 7, -12, std::numeric_limits<Index>::max(), std::numeric_limits<Index>::min()});
  for (const char* text : {"[01]", "[-01]", "[00]", "[-]", "[+1]", "[1.0]", "[1e0]", "[1E0]", "[9223372036854775808]",
                           "[0x1]", "[1 2]", "[\"1\"]", "[true]", "[]1", "[1", "[.5]", "[- 1]"}) {
    INFO(text);
    CHECK(fault_of(integers_of, text) != "");
  }
}

TEST_CASE("a fault of JSON names what was wanted, where, and what came", "[io][json]") {
  CHECK(fault_of(texts_of, "[\"a\" 1]") == "wanted , or ] at byte 5, got '1]'");
  CHECK(fault_of(texts_of, "[\"a\",") == "wanted a text at byte 5, got the end");
  CHECK(fault_of(texts_of, "[7]") == "wanted a text at byte 1, got '7]'");
  CHECK(fault_of(texts_of, "[] \x1b[31m") == R"(wanted the end at byte 3, got '\x1b[31m')");
  CHECK(fault_of(texts_of, "{}") == "wanted [ at byte 0, got '{}'");
  CHECK_THAT(fault_of(integers_of, "[" + std::string(1000, '7') + "]"), Contains("got '77777777777777777777...'"));
  heed::io::detail::JsonScanner scanner("-7", complain);
  CHECK(fault_of([&](auto) { scanner.integer(0, 9); }, "") == "wanted an integer from 0 to 9 at byte 0, got '-7'");
  CHECK(scanner.integer(-7, 9) == -7);
}

}  // namespace HEED_TEST_UNIT
