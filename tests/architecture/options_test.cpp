// SPDX-License-Identifier: Apache-2.0
// Checks the rules of CONTRIBUTING.md for options: every struct is an aggregate that lists all of its members, in their
// order, and every enumeration among them has the names of its enumerators.
#include "heed/core/options.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/all_options.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

/// Converts to any type, in unevaluated expressions.
struct Anything {
  template <class T>
  operator T() const;
};
/// The same for a std::optional, which Anything could become in two ways.
struct AnyOptional {
  template <class T>
  operator std::optional<T>() const;
};

/// Number of members of an aggregate: the number of initialisers that its braces accept. A member that is a struct
/// counts as one, because Anything converts to it.
template <class T, class... Initialisers>
constexpr std::size_t arity() {
  if constexpr (requires { T{Initialisers()..., Anything()}; }) {
    return arity<T, Initialisers..., Anything>();
  } else if constexpr (requires { T{Initialisers()..., AnyOptional()}; }) {
    return arity<T, Initialisers..., AnyOptional>();
  } else {
    return sizeof...(Initialisers);
  }
}

struct Nested {
  struct Pair {
    int a = 0, b = 0;
  };
  int first = 0;
  std::optional<Pair> perhaps{};
  std::optional<int> number{};
  Pair pair{};
  std::vector<int> list{};
  std::string text{};
  std::function<void()> call{};
};
struct Empty {};

/// The compiler's spelling of `value`.
template <auto value>
std::string spelling() {
  return __PRETTY_FUNCTION__;  // ".. [with auto value = heed::..::name; ..]"; "(heed::..::Enum)7" where it has no name
}
bool spells(const std::string& text, const std::string& name) {
  return std::regex_search(text, std::regex("value = [^;\\]]*::" + name + "[;\\]]"));
}

template <class E>
void check_names() {
  constexpr auto all = names(E());
  INFO(all_options::type_name<E>());
  const auto check = [&]<std::size_t i>(std::integral_constant<std::size_t, i>) {
    std::string name(all[i]);
    std::ranges::replace(name, '-', '_');  // user-item
    CHECK(spells(spelling<static_cast<E>(i)>(), name));
    CHECK(enum_value<E>(enum_name(static_cast<E>(i))) == static_cast<E>(i));
  };
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    (check(std::integral_constant<std::size_t, i>()), ...);
  }(std::make_index_sequence<all.size()>());
  CHECK_FALSE(spells(spelling<static_cast<E>(all.size())>(), "\\w+"));
}

TEST_CASE("members of an aggregate are counted", "[architecture][options]") {
  CHECK(arity<Empty>() == 0);
  CHECK(arity<Nested::Pair>() == 2);
  CHECK(arity<Nested>() == 7);
}

TEST_CASE("every options struct lists all of its members in their order", "[architecture][options]") {
  all_options::for_each([](auto options) {
    using T = decltype(options);
    INFO(all_options::type_name<T>());
    STATIC_REQUIRE(std::is_aggregate_v<T>);
    STATIC_REQUIRE(OptionStruct<T>);
    std::set<std::string> listed;
    const void* before = nullptr;
    for_each_field(options, [&](const char* name, auto& field) {
      INFO(name);
      CHECK(listed.insert(name).second);
      CHECK(std::less<>()(before, static_cast<const void*>(&field)));
      before = &field;
    });
    if constexpr (!OptionChoice<T>) CHECK(listed.size() == arity<T>());  // a choice lists the chosen fields
  });
}

TEST_CASE("every enumeration among the options has the names of its enumerators", "[architecture][options]") {
  int enumerations = 0;
  all_options::for_each([&](auto options) {
    for_each_field(options, [&](const char*, auto& field) {
      using Field = std::remove_cvref_t<decltype(field)>;
      if constexpr (std::is_enum_v<Field>) {
        STATIC_REQUIRE(NamedEnum<Field>);
        check_names<Field>();
        ++enumerations;
      }
    });
  });
  CHECK(enumerations > 20);
}

TEST_CASE("the list of options structs is complete", "[architecture][options]") {
  std::set<std::string> listed, found;
  all_options::for_each([&](auto options) { listed.insert(all_options::type_name<decltype(options)>()); });
  const std::regex definition("struct (\\w*(?:Options|Configuration|NextItemLoss)) \\{");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(HEED_SOURCE_DIR "/include")) {
    if (entry.path().extension() != ".hpp") continue;
    std::ifstream file(entry.path());
    std::stringstream text;
    text << file.rdbuf();
    const std::string all = text.str();
    for (std::sregex_iterator it(all.begin(), all.end(), definition), end; it != end; ++it) found.insert((*it)[1]);
  }
  CHECK(listed == found);
}

}  // namespace HEED_TEST_UNIT
