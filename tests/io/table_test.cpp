// SPDX-License-Identifier: Apache-2.0
#include "heed/io/table.hpp"

#include <catch2/catch.hpp>
#include <limits>

namespace HEED_TEST_UNIT {

using heed::io::fixed;
using heed::io::markdown_text;
using heed::io::Table;

TEST_CASE("a table as text aligns characters, not bytes", "[io]") {
  const Table table{{"model", "NDCG"}, {{"a\u00e9", "1"}, {"longer", "0.25"}}};
  CHECK(table.text() ==
        "  model   NDCG\n"
        "  a\u00e9         1\n"
        "  longer  0.25\n");
}

TEST_CASE("a table as Markdown keeps empty cells and escapes vertical bars", "[io]") {
  const Table table{{"model", "seeds"}, {{"x|y", ""}}};
  CHECK(table.markdown() ==
        "| model | seeds |\n"
        "| --- | --- |\n"
        "| x\\|y | |\n");
}

TEST_CASE("a table shows cells of any content as text, one line per row", "[io]") {
  const Table table{{"item"}, {{"\x1b[31mRED\n| x | <img src=x onerror=alert(1)>"}}};
  CHECK(table.text() ==
        "  item                                           \n"
        "  \\x1b[31mRED\\n| x | <img src=x onerror=alert(1)>\n");
  CHECK(table.markdown() ==
        "| item |\n"
        "| --- |\n"
        "| \\\\x1b[31mRED\\\\n\\| x \\| \\<img src=x onerror=alert(1)\\> |\n");
}

TEST_CASE("Markdown of a text holds no markup, and keeps intervals readable", "[io]") {
  CHECK(markdown_text("`a` *b* __c__ ~~d~~ $e$ &#60; <!-- f") ==
        "\\`a\\` \\*b\\* \\_\\_c\\_\\_ \\~\\~d\\~\\~ \\$e\\$ \\&#60; \\<!-- f");
  CHECK(markdown_text("[a](javascript:b) ![c][d] [^1]") == "[a\\](javascript:b) ![c\\][d] \\[^1]");
  CHECK(markdown_text("0.0172 [0.0106, 0.0244], 10 % caf\u00e9") == "0.0172 [0.0106, 0.0244], 10 % caf\u00e9");
}

TEST_CASE("fixed rounds to the number of digits, also for large values", "[io]") {
  CHECK(fixed(0.29513, 4) == "0.2951");
  CHECK(fixed(-1.5, 0) == "-2");
  CHECK(fixed(std::numeric_limits<double>::max(), 2).size() == 312);
}

}  // namespace HEED_TEST_UNIT
