// SPDX-License-Identifier: Apache-2.0
// Converts option structs to and from JSON and `name.sub=value` texts, and writes help and keys of results, all from
// the structs' lists of fields (core/options.hpp). Requires nlohmann-json.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "heed/core/error.hpp"
#include "heed/core/options.hpp"
#include "heed/core/printable.hpp"
#include "heed/io/parse_json.hpp"

namespace heed::inline HEED_ABI::io {

/// Describes the values of a field of type T in errors and help, for example "integer" or "pre|post|query".
template <OptionValue T>
std::string option_type() {
  if constexpr (OptionChoice<T>) {
    std::string out;
    for (const auto& one : T::choices()) out += (out.empty() ? "" : "|") + one.first;
    return out;
  } else if constexpr (OptionalOption<T>) {
    return option_type<typename T::value_type>() + " or null";
  } else if constexpr (OptionStruct<T>) {
    return "JSON object of options";
  } else if constexpr (NamedEnum<T>) {
    std::string out;
    for (const std::string_view name : names(T())) out.append(out.empty() ? "" : "|").append(name);
    return out;
  } else if constexpr (std::is_same_v<T, bool>) {
    return "true|false";
  } else if constexpr (std::is_same_v<T, char>) {
    return "character";
  } else if constexpr (std::is_integral_v<T>) {
    return "integer";
  } else if constexpr (std::is_floating_point_v<T>) {
    return "number";
  } else if constexpr (std::is_same_v<T, std::string>) {
    return "text";
  } else {
    return "list of " + option_type<typename T::value_type>();
  }
}

namespace detail {

/// The JSON key for the name of a choice.
inline constexpr const char* choice_key = "model";

/// Returns JSON text for error messages; bytes that are not UTF-8 are replaced.
inline std::string shown(const nlohmann::json& json) {
  return printable(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

template <OptionValue T>
nlohmann::json json_of(const T& value) {
  if constexpr (NamedEnum<T>) {
    return std::string(enum_name(value));
  } else if constexpr (OptionalOption<T>) {
    return value ? json_of(*value) : nlohmann::json();
  } else if constexpr (std::is_same_v<T, char>) {
    return value == 0 ? std::string() : std::string(1, value);
  } else if constexpr (OptionStruct<T>) {
    nlohmann::json out = nlohmann::json::object();
    if constexpr (OptionChoice<T>) out[choice_key] = std::string(value.choice());
    for_each_field(value, [&](const char* name, const auto& field) {
      if constexpr (OptionValue<std::remove_cvref_t<decltype(field)>>) out[name] = json_of(field);
    });
    return out;
  } else if constexpr (requires { typename T::value_type; } && !std::is_same_v<T, std::string>) {
    nlohmann::json out = nlohmann::json::array();
    for (const auto& one : value) out.push_back(json_of(one));
    return out;
  } else {
    return value;
  }
}

template <OptionStruct T>
void read_options(const nlohmann::json& json, const std::string& path, T& options);

/// Converts `json` to `value`; `path` is its name in errors. Throws OptionError.
template <OptionValue T>
void read_value(const nlohmann::json& json, const std::string& path, T& value) {
  bool fits = false;
  if constexpr (OptionalOption<T>) {
    if (json.is_null()) return value.reset();
    if (!value) value.emplace();
    return read_value(json, path, *value);
  } else if constexpr (OptionStruct<T>) {
    read_options(json, path, value);
    fits = true;
  } else if constexpr (NamedEnum<T>) {
    if (json.is_string()) {
      const auto found = enum_value<T>(json.get_ref<const std::string&>());
      if ((fits = found.has_value())) value = *found;
    }
  } else if constexpr (std::is_same_v<T, bool>) {
    if ((fits = json.is_boolean())) json.get_to(value);
  } else if constexpr (std::is_same_v<T, char>) {
    if ((fits = json.is_string() && json.get_ref<const std::string&>().size() <= 1)) {
      value = *json.get_ref<const std::string&>().c_str();  // "" is 0
    }
  } else if constexpr (std::is_integral_v<T>) {
    fits = json.is_number_unsigned() ? std::in_range<T>(json.get<std::uint64_t>())
                                     : json.is_number_integer() && std::in_range<T>(json.get<std::int64_t>());
    if (fits) json.get_to(value);
  } else if constexpr (std::is_floating_point_v<T>) {
    // The comparison also excludes NaN and infinity, which JSON text cannot express.
    const double number = json.is_number() ? json.get<double>() : std::numeric_limits<double>::quiet_NaN();
    if ((fits = std::abs(number) <= std::numeric_limits<T>::max())) value = static_cast<T>(number);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if ((fits = json.is_string())) json.get_to(value);
  } else if ((fits = json.is_array())) {
    value.assign(json.size(), {});
    for (std::size_t i = 0; i < json.size(); ++i) {
      read_value(json[i], message(path, "[", static_cast<std::int64_t>(i), "]"), value[i]);
    }
  }
  if (!fits) fail<OptionError>("options", path, " is ", shown(json), ", wanted ", option_type<T>());
}

template <OptionStruct T>
void read_options(const nlohmann::json& json, const std::string& path, T& options) {
  if (!json.is_object()) {
    fail<OptionError>("options", path.empty() ? "JSON" : path, " is ", shown(json),
                      ", wanted a JSON object of options");
  }
  const std::string prefix = path.empty() ? "" : path + ".";
  std::vector<std::string_view> known;
  if constexpr (OptionChoice<T>) {
    known.push_back(choice_key);
    if (json.contains(choice_key) && json.at(choice_key) != options.choice()) {
      const nlohmann::json& name = json.at(choice_key);
      const auto found = T::choices().find(name.is_string() ? name.get<std::string>() : "");
      if (found == T::choices().end()) {
        fail<OptionError>("options", prefix, choice_key, " is ", shown(name), ", wanted ", option_type<T>());
      }
      options = found->second;
    }
  }
  for_each_field(options, [&](const char* name, auto& field) {
    if constexpr (OptionValue<std::remove_cvref_t<decltype(field)>>) {
      known.push_back(name);
      if (json.contains(name)) read_value(json.at(name), prefix + name, field);
    }
  });
  for (const auto& one : json.items()) {
    if (std::ranges::find(known, one.key()) != known.end()) continue;
    std::string wanted;
    for (const std::string_view option : known) wanted.append(wanted.empty() ? "" : ", ").append(option);
    fail<OptionError>("options", "there is no option ", printable(prefix + one.key()), ", wanted one of ", wanted);
  }
}

template <OptionStruct T>
void add_help(const T& options, const std::string& prefix, std::string& out) {
  const auto add = [&](const char* name, const nlohmann::json& value, const std::string& type) {
    out += prefix + name + "=" + (value.is_string() ? value.get<std::string>() : value.dump()) + "  (" + type + ")\n";
  };
  if constexpr (OptionChoice<T>) add(choice_key, std::string(options.choice()), option_type<T>());
  for_each_field(options, [&](const char* name, const auto& field) {
    using Field = std::remove_cvref_t<decltype(field)>;
    if constexpr (OptionStruct<Field>) {
      add_help(field, prefix + name + ".", out);
    } else if constexpr (OptionValue<Field>) {
      add(name, json_of(field), option_type<Field>());
    }
  });
}

}  // namespace detail

/// Returns all data fields (OptionValue) by name. Values of enumerations are names; the name of a choice has the key
/// "model". Doubles keep their bits in a round trip.
template <OptionStruct T>
nlohmann::json to_json(const T& options) {
  return detail::json_of(options);
}

/// Returns the value of `json`, which errors call `name`: an integer exactly and in the range of T, a finite number, a
/// text, a name of an enumeration, true or false, options, a list of these, or null for an optional one. Throws
/// OptionError for anything else.
template <OptionValue T>
T from_json(const nlohmann::json& json, const std::string& name) {
  T value{};
  detail::read_value(json, name, value);
  return value;
}

/// Sets the options that `json` names; the others keep their values, as a file may be older than an option. A choice of
/// another model starts from its defaults, and so do options that were null. Throws OptionError, and changes nothing,
/// on an unknown option and on a value of the wrong type: an integer with decimals or out of range, an unknown name of
/// an enumeration or of a choice.
template <OptionStruct T>
void from_json(const nlohmann::json& json, T& options) {
  T changed = options;
  detail::read_options(json, "", changed);
  options = std::move(changed);
}

/// Returns {"name": {"sub": value}} for the name "name.sub". Throws OptionError for a name of more than max_json_depth
/// parts.
inline nlohmann::json assignment(std::string_view name, nlohmann::json value) {
  if (std::ranges::count(name, '.') >= max_json_depth) {
    fail<OptionError>("options", "a name has more than ", max_json_depth, " parts");
  }
  for (std::size_t end = name.size(); end != std::string_view::npos;) {
    const std::size_t dot = name.substr(0, end).rfind('.'), begin = dot == std::string_view::npos ? 0 : dot + 1;
    nlohmann::json outer = nlohmann::json::object();
    outer[std::string(name.substr(begin, end - begin))] = std::move(value);
    value = std::move(outer);
    end = dot;
  }
  return value;
}
/// The same for "name.sub=value"; a value that is not JSON is read as text. Throws OptionError.
inline nlohmann::json assignment(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == 0 || equals == std::string_view::npos) fail<OptionError>("options", text, " is not name=value");
  const std::string_view value = text.substr(equals + 1);
  const auto parsed = try_parse_json(value);
  return assignment(text.substr(0, equals), parsed ? *parsed : nlohmann::json(std::string(value)));
}

/// Sets one option by "name.sub=value". Throws as from_json and assignment.
template <OptionStruct T>
void set(T& options, std::string_view text) {
  from_json(assignment(text), options);
}

/// Returns one line per option of `set`: name, value and type.
template <OptionStruct T>
std::string help(const T& options) {
  std::string out;
  detail::add_help(options, "", out);
  return out;
}

/// Returns the values of `to` that differ from those in `from`, for options that both contain. With the defaults as
/// `from`, this is a key for results: adding an option whose default preserves the behaviour does not change it.
inline nlohmann::json changes(const nlohmann::json& from, const nlohmann::json& to) {
  nlohmann::json out = nlohmann::json::object();
  for (const auto& [name, value] : to.items()) {
    if (!from.contains(name) || value == from.at(name)) continue;
    if (!value.is_object() || !from.at(name).is_object()) {
      out[name] = value;
    } else if (nlohmann::json inner = changes(from.at(name), value); !inner.empty()) {
      out[name] = std::move(inner);
    }
  }
  return out;
}

}  // namespace heed::inline HEED_ABI::io
