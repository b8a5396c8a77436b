// SPDX-License-Identifier: Apache-2.0
#include "heed/data/vocabulary.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using heed::data::places_by_text;
using heed::data::Vocabulary;

TEST_CASE("ids are numbered by first appearance", "[data][vocabulary]") {
  Vocabulary ids;
  CHECK(ids.find("a") == Vocabulary::unknown);
  CHECK(ids.add("9223372036854775807") == 0);
  CHECK(ids.add("a") == 1);
  CHECK(ids.add("9223372036854775807") == 0);
  CHECK(ids.add("") == 2);
  CHECK(ids.size() == 3);
  CHECK(ids.find("a") == 1);
  CHECK(ids.find("b") == Vocabulary::unknown);
  CHECK(ids.text(0) == "9223372036854775807");
  CHECK(ids.text(2).empty());
}

TEST_CASE("many texts added at once have the ids of texts added one by one", "[data][vocabulary]") {
  Vocabulary one_by_one, at_once;
  at_once.add("7");
  one_by_one.add("7");
  for (const std::size_t count : std::vector<std::size_t>{0, 1, 63, 64, 65, 1000}) {
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < count; ++i) texts.push_back(std::to_string(i * i % 401));  // some are repeated
    const std::vector<std::string_view> views(texts.begin(), texts.end());
    std::vector<heed::data::Id> ids(count);
    at_once.add(views, ids);
    for (std::size_t i = 0; i < count; ++i) REQUIRE(ids[i] == one_by_one.add(texts[i]));
  }
  REQUIRE(at_once.size() == one_by_one.size());
  for (heed::data::Id id = 0; id < at_once.size(); ++id) REQUIRE(at_once.text(id) == one_by_one.text(id));
}

TEST_CASE("a vocabulary grows, and a copy is independent", "[data][vocabulary]") {
  Vocabulary ids;
  for (int i = 0; i < 5000; ++i) REQUIRE(ids.add(std::to_string(i * 7919)) == i);
  const Vocabulary copy = ids;
  ids.add("new");
  for (int i = 0; i < 5000; ++i) {
    REQUIRE(copy.find(std::to_string(i * 7919)) == i);
    REQUIRE(copy.text(i) == std::to_string(i * 7919));
  }
  CHECK(copy.find("new") == Vocabulary::unknown);
}

TEST_CASE("a vocabulary with reserved memory has the same ids and takes no more", "[data][vocabulary]") {
  for (const int texts : {0, 1, 8, 9, 1000}) {
    Vocabulary ids;
    ids.reserve(texts, 4 * static_cast<std::size_t>(texts));
    CHECK(ids.find("1000") == Vocabulary::unknown);
    const std::size_t held = heed::test::held_bytes();
    for (int i = 0; i < texts; ++i) REQUIRE(ids.add(std::to_string(1000 + i)) == i);
    CHECK(heed::test::held_bytes() == held);
    for (int i = 0; i < texts; ++i) REQUIRE(ids.find(std::to_string(1000 + i)) == i);
    CHECK(ids.add("new") == texts);
    CHECK(ids.text(texts) == "new");
  }
}

TEST_CASE("the name of an id is its text until one is set", "[data][vocabulary]") {
  Vocabulary ids;
  ids.add("22423");
  ids.add("85123A");
  ids.set_name(1, "WHITE HANGING HEART T-LIGHT HOLDER");
  ids.add("47566");
  CHECK(ids.name(0) == "22423");
  CHECK(ids.name(1) == "WHITE HANGING HEART T-LIGHT HOLDER");
  CHECK(ids.name(2) == "47566");
  CHECK(ids.text(1) == "85123A");
  ids.set_name(2, ids.name(1));
  ids.set_name(1, "heart");
  CHECK(ids.name(1) == "heart");
  CHECK(ids.name(2) == "WHITE HANGING HEART T-LIGHT HOLDER");
  for (const std::string_view none : {"", "85123A"}) {
    ids.set_name(1, none);
    CHECK(ids.name(1) == "85123A");
  }
}

TEST_CASE("texts are added in blocks, with an id for each", "[data][vocabulary]") {
  std::vector<std::string> owned;
  for (int i = 0; i < 1000; ++i) owned.push_back(std::to_string(i * i % 301));
  const std::vector<std::string_view> texts(owned.begin(), owned.end());
  Vocabulary blocks, single;
  std::vector<std::int32_t> ids(texts.size()), wanted;
  blocks.add(texts, ids);
  for (const std::string_view text : texts) wanted.push_back(single.add(text));
  CHECK(ids == wanted);
  CHECK(blocks.size() == single.size());
  CHECK_THROWS_WITH(blocks.add(texts, std::span(ids).first(9)), "vocabulary: 1000 texts for 9 ids");
}

TEST_CASE("ids outside a vocabulary are errors", "[data][vocabulary]") {
  Vocabulary ids;
  ids.add("a");
  CHECK_THROWS_AS(ids.text(1), heed::IndexError);
  CHECK_THROWS_AS(ids.name(-1), heed::IndexError);
  CHECK_THROWS_WITH(ids.set_name(7, "x"), "vocabulary: id 7 of a vocabulary of 1");
}

TEST_CASE("the order of texts: numbers by value, then other texts", "[data][vocabulary]") {
  Vocabulary ids;
  for (const char* id : {"b", "10", "9", "0", "a", "007", "-1", "18446744073709551616", "7"}) ids.add(id);
  //                      8    4     3    0    7    1      6     5                       2
  CHECK(places_by_text(ids) == std::vector<std::int32_t>{8, 4, 3, 0, 7, 1, 6, 5, 2});
  CHECK(places_by_text(Vocabulary{}).empty());
}

TEST_CASE("joined and selected vocabularies, and the renumbering between them", "[data][vocabulary]") {
  Vocabulary yesterday, today;
  for (const char* id : {"a", "b", "c"}) yesterday.add(id);
  for (const char* id : {"d", "c", "e", "a"}) today.add(id);
  yesterday.set_name(1, "bread");
  yesterday.set_name(2, "old name");
  today.set_name(1, "cheese");
  const Vocabulary both = joined(yesterday, today);
  REQUIRE(both.size() == 5);
  for (std::int32_t i = 0; i < 3; ++i) CHECK(both.text(i) == yesterday.text(i));
  CHECK(both.text(3) == "d");
  CHECK(both.text(4) == "e");
  CHECK(both.name(1) == "bread");
  CHECK(both.name(2) == "cheese");
  CHECK(both.name(3) == "d");

  const Vocabulary odd = selected(both, [](std::int32_t i) { return i % 2 == 1; });
  REQUIRE(odd.size() == 2);
  CHECK(odd.name(0) == "bread");
  CHECK(odd.text(1) == "d");

  using Numbers = std::vector<std::int32_t>;
  CHECK(renumbering(yesterday, today) == Numbers{3, -1, 1});
  CHECK(renumbering(yesterday, both) == Numbers{0, 1, 2});
  CHECK(renumbering(both, odd) == Numbers{-1, 0, -1, 1, -1});
  CHECK(renumbering(both, Vocabulary{}) == Numbers(5, -1));
  CHECK(renumbering(Vocabulary{}, both).empty());
}

TEST_CASE("a look-up examines few slots, whoever chose the texts", "[data][vocabulary]") {
  // Texts whose unkeyed hashes all end in nine zero bits: a table by that hash would examine a slot per text.
  Vocabulary ids;
  for (int i = 0; ids.size() < 200; ++i) {
    const std::string text = std::to_string(i);
    if (std::hash<std::string_view>{}(text) % 512 == 0) ids.add(text);
  }
  CHECK(ids.longest_probe() < 50);
  const Vocabulary copy = ids;
  CHECK(copy.longest_probe() == ids.longest_probe());
  CHECK(Vocabulary{}.longest_probe() == 0);
}

}  // namespace HEED_TEST_UNIT
