// SPDX-License-Identifier: Apache-2.0
#include "heed/io/log_options.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace HEED_TEST_UNIT {

using Catch::Matchers::StartsWith;
using heed::io::check;
using heed::io::LogFormat;
using heed::io::LogOptions;

TEST_CASE("options of another format are refused by name", "[io][log_options]") {
  CHECK_THROWS_WITH(check({.format = LogFormat::movielens, .time_column = "x"}),
                    "read_log: --time-column: the format movielens has no such option, only csv, recbole, jsonl");
  CHECK_THROWS_WITH(check({.user_column = "x"}), StartsWith("read_log: --user-column: the format baskets "));
  CHECK_THROWS_WITH(check({.item_column = "x"}), StartsWith("read_log: --item-column: "));
  CHECK_THROWS_WITH(check({.rating_column = "x"}), StartsWith("read_log: --rating-column: "));
  CHECK_THROWS_WITH(check({.format = LogFormat::user_item, .kind_column = "x"}), StartsWith("read_log: --kind-column"));
  CHECK_THROWS_WITH(check({.name_column = "x"}), StartsWith("read_log: --name-column without --items: "));
  CHECK_THROWS_WITH(check({.format = LogFormat::recbole, .delimiter = ";"}),
                    "read_log: --delimiter: the format recbole has no such option, only csv");
  CHECK_THROWS_WITH(check({.format = LogFormat::jsonl, .quote = "'"}), StartsWith("read_log: --quote: "));
  CHECK_THROWS_WITH(check({.format = LogFormat::recbole, .columns = {"a"}}), StartsWith("read_log: --columns: "));
  CHECK_THROWS_WITH(check({.format = LogFormat::user_item, .basket = heed::data::Baskets::day}),
                    StartsWith("read_log: --basket day: the format user-item has no such option"));
  CHECK_THROWS_WITH(check({.format = LogFormat::csv, .time_unit = heed::data::TimeUnit{3}}),
                    "read_log: --time-unit: is of the times of --time-column, which is not given");
  CHECK_THROWS_WITH(check({.format = LogFormat::jsonl, .time_format = "%Y"}), StartsWith("read_log: --time-format: "));
  CHECK_THROWS_WITH(check({.id_column = "x"}), StartsWith("read_log: --id-column: is a column of --items"));
  CHECK_THROWS_WITH(check({.feature_column = "x"}), StartsWith("read_log: --feature-column: is a column of --items"));
}

TEST_CASE("options that fit together are accepted, other values are not", "[io][log_options]") {
  CHECK_NOTHROW(check({}));
  CHECK_NOTHROW(check({.format = LogFormat::user_item, .basket = heed::data::Baskets::none}));
  CHECK_NOTHROW(check({.name_column = "x", .items = "i", .id_column = "y", .feature_column = "z"}));
  CHECK_NOTHROW(check({.format = LogFormat::csv, .time_column = "t", .name_column = "n", .quote = "none"}));
  CHECK_THROWS_AS(check({.format = LogFormat::csv, .quote = "''"}), heed::OptionError);
  CHECK_THROWS_AS(check({.k_core = -1}), heed::OptionError);
}

}  // namespace HEED_TEST_UNIT
