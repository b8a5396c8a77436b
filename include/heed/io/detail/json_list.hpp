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
  const Take& take;
  int depth = 0;

  bool start_array(std::size_t) { return depth++ == 0 || wrong(); }
  bool end_array() { return true; }
  bool string(std::string& text) {
    if constexpr (std::is_same_v<T, std::string>) {
      return depth == 1 ? (take(text), true) : wrong();
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
    fail<OptionError>("list", printable(error.what(), 1000));
  }

 private:
  template <class Number>
  bool number(Number value) {
    if constexpr (std::is_integral_v<T>) {
      if (depth == 1 && std::in_range<T>(value)) return take(static_cast<T>(value)), true;
    }
    return wrong();
  }
  [[noreturn]] static bool wrong() {
    fail<OptionError>("list", "wanted a JSON list of ", std::is_integral_v<T> ? "integers" : "texts");
  }
};

/// Calls `take` for each element of the JSON list `text`; T is std::string or an integer. Throws OptionError on
/// anything else.
template <class T, class Take>
void for_each_element(const std::string& text, const Take& take) {
  ListEvents<T, Take> events{take};
  nlohmann::json::sax_parse(text, &events);
}

}  // namespace heed::inline HEED_ABI::io::detail
