// SPDX-License-Identifier: Apache-2.0
#include "heed/io/table.hpp"

#include <catch2/catch.hpp>
#include <limits>

namespace HEED_TEST_UNIT {

using heed::io::fixed;
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

TEST_CASE("fixed rounds to the number of digits, also for large values", "[io]") {
  CHECK(fixed(0.29513, 4) == "0.2951");
  CHECK(fixed(-1.5, 0) == "-2");
  CHECK(fixed(std::numeric_limits<double>::max(), 2).size() == 312);
}

}  // namespace HEED_TEST_UNIT
