// SPDX-License-Identifier: Apache-2.0
#include "heed/core/options.hpp"

#include <catch2/catch.hpp>
#include <optional>
#include <string>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed;

enum class Colour { red, green };
constexpr auto names(Colour) { return enum_names("red", "green"); }
enum class Nameless { one };

struct Inner {
  int depth = 3;
  void fields(auto&& visitor) { visitor("depth", depth); }
};
struct Outer {
  double rate = 0.5;
  Colour colour = Colour::green;
  Inner inner{};
  int* handle = nullptr;
  void fields(auto&& visitor) { visitor("rate", rate, "colour", colour, "inner", inner, "handle", handle); }
};

TEST_CASE("enumerations have names", "[core][options]") {
  STATIC_REQUIRE(enum_name(Colour::green) == "green");
  STATIC_REQUIRE(enum_value<Colour>("red") == Colour::red);
  CHECK_FALSE(enum_value<Colour>("blue"));
  STATIC_REQUIRE_FALSE(NamedEnum<Nameless>);
  STATIC_REQUIRE_FALSE(NamedEnum<int>);
}

TEST_CASE("fields are visited in order, and are mutable unless the options are const", "[core][options]") {
  Outer options;
  std::string order;
  for_each_field(options, [&](const char* name, auto& field) {
    order += std::string(name) + " ";
    if constexpr (std::is_same_v<decltype(field), double&>) field = 2;
  });
  CHECK(order == "rate colour inner handle ");
  CHECK(options.rate == 2);
  const Outer fixed{.rate = 7};
  for_each_field(fixed, [&](const char*, auto& field) {
    STATIC_REQUIRE(std::is_const_v<std::remove_reference_t<decltype(field)>>);
    if constexpr (std::is_same_v<decltype(field), const double&>) CHECK(field == 7);
  });
}

TEST_CASE("OptionValue tells data from fields that belong to the running program", "[core][options]") {
  STATIC_REQUIRE(OptionValue<bool>);
  STATIC_REQUIRE(OptionValue<std::vector<std::string>>);
  STATIC_REQUIRE(OptionValue<Colour>);
  STATIC_REQUIRE(OptionValue<std::vector<Inner>>);
  STATIC_REQUIRE(OptionValue<std::optional<Inner>>);
  STATIC_REQUIRE(OptionalOption<std::optional<int>>);
  STATIC_REQUIRE_FALSE(OptionalOption<std::optional<int*>>);
  STATIC_REQUIRE_FALSE(OptionalOption<Inner>);
  STATIC_REQUIRE(OptionStruct<Outer>);
  STATIC_REQUIRE_FALSE(OptionStruct<std::string>);
  STATIC_REQUIRE_FALSE(OptionChoice<Outer>);
  STATIC_REQUIRE_FALSE(OptionValue<Nameless>);
  STATIC_REQUIRE_FALSE(OptionValue<int*>);
  STATIC_REQUIRE_FALSE(OptionValue<std::vector<int*>>);
}

}  // namespace HEED_TEST_UNIT
