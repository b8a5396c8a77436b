// SPDX-License-Identifier: Apache-2.0
// Option structs list their fields once, and enumerations name their values. Files, command lines, help texts and the
// keys of results (io/options_json.hpp) derive from these lists.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI {

/// An enumeration with the values 0, 1, .. and a function `constexpr auto names(E)` declared next to it, which returns
/// `enum_names(..)` of the enumerators' names in this order.
template <class E>
concept NamedEnum = std::is_enum_v<E> && requires(E value) { std::string_view(names(value)[0]); };

template <class... Names>
constexpr auto enum_names(const Names&... all) {
  return std::array<std::string_view, sizeof...(Names)>{all...};
}

template <NamedEnum E>
constexpr std::string_view enum_name(E value) {
  return names(value)[static_cast<std::size_t>(value)];
}

/// Returns the value with this name, or nullopt.
template <NamedEnum E>
constexpr std::optional<E> enum_value(std::string_view name) {
  const auto all = names(E());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i] == name) return static_cast<E>(i);
  }
  return std::nullopt;
}

/// A struct that lists all of its members, in the order of their declaration, in one call:
/// `void fields(auto&& visitor) { visitor("p", p, "bias", bias); }`. It stays an aggregate.
template <class T>
concept OptionStruct = std::is_class_v<T> && requires(T& options) { options.fields([](auto&&...) {}); };

/// Options of one of several alternatives: `choices()` maps their names to default options, `choice()` returns the name
/// of the chosen alternative, and `fields` lists the fields of the chosen one.
template <class T>
concept OptionChoice = OptionStruct<T> && requires(const T& options) {
  { options.choice() } -> std::convertible_to<std::string_view>;
  { T::choices().begin()->second } -> std::convertible_to<T>;
};

namespace detail {

template <class T>
inline constexpr bool option_value =
    std::is_arithmetic_v<T> || std::is_same_v<T, std::string> || NamedEnum<T> || OptionStruct<T>;
template <class T>
inline constexpr bool option_value<std::vector<T>> = option_value<T>;
template <class T>
inline constexpr bool option_value<std::optional<T>> = option_value<T>;
template <class T>
inline constexpr bool optional_option = false;
template <class T>
inline constexpr bool optional_option<std::optional<T>> = option_value<T>;

template <class F>
void each_field(F&) {}
template <class F, class Field, class... Rest>
void each_field(F& f, const char* name, Field& field, Rest&... rest) {
  f(name, field);
  each_field(f, rest...);
}

}  // namespace detail

/// A field that is data: a number, a text, an enumeration with names, options, a list of these, or a std::optional of
/// one. All other fields
/// (executors, callbacks, views, variables, random streams) belong to the running program: they are listed, but neither
/// written to files nor set by name.
template <class T>
concept OptionValue = detail::option_value<T>;
/// A std::optional of an OptionValue.
template <class T>
concept OptionalOption = detail::optional_option<T>;

/// Calls `f(name, field)` for each field that `options` lists.
template <OptionStruct T, class F>
void for_each_field(T& options, F&& f) {
  options.fields([&](auto&&... listed) { detail::each_field(f, listed...); });
}
template <OptionStruct T, class F>
void for_each_field(const T& options, F&& f) {
  T copy = options;  // `fields` is not const, so that a struct needs only one overload
  for_each_field(copy, [&](const char* name, auto& field) { f(name, std::as_const(field)); });
}

}  // namespace heed::inline HEED_ABI
