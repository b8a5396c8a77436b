// SPDX-License-Identifier: Apache-2.0
#include "heed/io/detail/log_doubts.hpp"

#include <catch2/catch.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "heed/data/read_delimited.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

namespace {

std::vector<std::string> doubts(const std::string& rows, bool has_columns = true) {
  std::istringstream in("user_id,item_id,time\n" + rows);
  data::ReadReport report;
  const auto log = data::read_delimited({in, "log"}, {.time = "time"}, {}, &report);
  return io::detail::log_doubts(log, report, has_columns);
}
using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("an ordinary log raises no doubts", "[io][log_doubts]") {
  CHECK(doubts("1,7,10\n1,8,20\n2,7,10\n1e5,E+1,3\nNancy,a b,3\n").empty());
}

TEST_CASE("numbers that a spreadsheet has rounded are doubtful ids", "[io][log_doubts]") {
  CHECK(doubts("7.61E+17,7,10\n7.62e+17,8,20\n2,7,10\n") ==
        Texts{"2 of 3 users are rounded numbers, so that different ones may have become one: \"7.61E+17\""});
  CHECK(doubts("1,1E+05,10\n") ==
        Texts{"1 of 1 items are rounded numbers, so that different ones may have become one: \"1E+05\""});
  using io::detail::is_rounded_number;
  for (const char* id : {"1E05", "E+5", "1.E+", "12.5E+3", "a.5E+3", "1.5E+3x", "1.x5E+3", "", "1E+"}) {
    INFO(id);
    CHECK(!is_rounded_number(id));
  }
}

TEST_CASE("ids that differ by a blank are doubtful", "[io][log_doubts]") {
  CHECK(doubts("1,7,10\n1, 7,20\n1,8 ,30\n") ==
        Texts{"2 of 3 items begin or end with a blank, which makes them different from those without: \" 7\""});
}

TEST_CASE("an item that stands for none is doubtful", "[io][log_doubts]") {
  CHECK(doubts("1,7,10\n1,NULL,20\n") == Texts{"The log has an item \"NULL\": do lines without an item say so?"});
}

TEST_CASE("ids of which nearly each occurs once are doubtful", "[io][log_doubts]") {
  std::string lists, visits;
  for (int i = 0; i < 100; ++i) {
    const std::string number = std::to_string(i);
    lists += std::to_string(i % 9) + ",N1-0 N2-" + number + ",10\n";
    visits += number + "," + std::to_string(i % 9) + ",10\n";
  }
  CHECK(doubts(lists) == Texts{"100 events have 100 items: is --item-column right?"});
  CHECK(doubts(visits) == Texts{"100 events have 100 users: is --user-column right?"});
  CHECK(doubts(visits, false) == Texts{"100 events have 100 users, of which hardly any comes twice"});
}

TEST_CASE("numbers whose digits are dates are doubtful times", "[io][log_doubts]") {
  const std::string start = "The times are numbers, but look like dates (", end = " read them?";
  CHECK(doubts("1,7,20140407\n1,8,20141231\n") == Texts{start + "20140407): does --time-format %Y%m%d" + end});
  CHECK(doubts("1,7,201404071051\n") == Texts{start + "201404071051): does --time-format %Y%m%d%H%M" + end});
  CHECK(doubts("1,7,20140407105109\n") == Texts{start + "20140407105109): does --time-format %Y%m%d%H%M%S" + end});
  for (const char* time : {"20141301", "20140400", "20140432", "18991231", "21010101", "1396867869", "1396867869277",
                           "20140407.5", "2014-04-07"}) {
    INFO(time);
    CHECK(doubts("1,7," + std::string(time) + "\n").empty());
  }
  CHECK(doubts("1,7,20140407\n1,8,20141299\n").empty());
}

TEST_CASE("times of two units, or placeholders among them, are doubtful", "[io][log_doubts]") {
  CHECK(doubts("1,7,1396824900\n1,8,7\n") ==
        Texts{"The times span more than 30 years, from 1970-01-01 00:00:07 to 2014-04-06 22:55:00: are some in another "
              "unit, or placeholders?"});
  CHECK(doubts("1,7,1396824900\n1,8,1396824900000\n").size() == 1);
  CHECK(doubts("1,7,0\n1,8,900000000\n").empty());
}

}  // namespace HEED_TEST_UNIT
