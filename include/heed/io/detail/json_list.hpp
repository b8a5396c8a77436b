// SPDX-License-Identifier: Apache-2.0
// Reads JSON lists of texts or integers element by element, without a tree. Requires nlohmann-json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <type_traits>
#include <utility>

#include "heed/core/error.hpp"
#include "heed/core/printable.hpp"

namespace heed::inline HEED_ABI::io::detail {

/// The parser's events of a list of T.
template <class T, class Take>
struct ListEvents {
  const char* name;
  const Take& take;
  int depth = 0;
  Index count = 0;

  bool start_array(std::size_t) { return depth++ == 0 || wrong(); }
  bool end_array() { return true; }
  bool string(std::string& text) {
    if constexpr (std::is_same_v<T, std::string>) {
      return depth == 1 ? (take(text), ++count, true) : wrong();
    } else {
      return wrong();
    }
  }
  bool number_integer(std::int64_t value) { return number(value); }
  bool number_unsigned(std::uint64_t value) { return number(value); }
  bool number_float(double, const std::string&) { return wrong(); }
  bool boolean(bool) { return wrong(); }
  bool null() { return wrong(); }
  bool binary(nlohmann::json::binary_t&) { return wrong(); }
  bool start_object(std::size_t) { return wrong(); }
  bool key(std::string&) { return wrong(); }
  bool end_object() { return wrong(); }
  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) {
    fail<OptionError>(name, printable(error.what(), 1000));
  }

 private:
  template <class Number>
  bool number(Number value) {
    if constexpr (std::is_integral_v<T>) {
      if (depth == 1 && std::in_range<T>(value)) return take(static_cast<T>(value)), ++count, true;
    }
    return wrong();
  }
  [[noreturn]] bool wrong() const {
    if (depth == 0) fail<OptionError>(name, "wanted a list");
    fail<OptionError>(message(name, "[", count, "]"), "wanted ", std::is_integral_v<T> ? "integer" : "text");
  }
};

/// Calls `take` for each element of the JSON list `text`; T is std::string or an integer. Throws OptionError, which
/// names the element (`name[2]`), on anything else.
template <class T, class Take>
void for_each_element(const char* name, const std::string& text, const Take& take) {
  ListEvents<T, Take> events{name, take};
  nlohmann::json::sax_parse(text, &events);
}

}  // namespace heed::inline HEED_ABI::io::detail
