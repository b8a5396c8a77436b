// SPDX-License-Identifier: Apache-2.0
// Logs with a JSON object per line. Requires nlohmann-json.
#pragma once

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/utf8.hpp"
#include "heed/data/event_reader.hpp"
#include "heed/data/fields.hpp"
#include "heed/data/lines.hpp"
#include "heed/io/log_options.hpp"
#include "heed/io/parse_json.hpp"

namespace heed::inline HEED_ABI::io::detail {

/// Takes the values of some members of an object as texts, without a document in memory: numbers as they are written,
/// null and members that are not there as empty texts.
class JsonMembers {
 public:
  /// Wants the members at these paths: names joined by points. An empty path is none.
  explicit JsonMembers(std::vector<std::string> paths) : paths_(std::move(paths)), values_(paths_.size()) {}

  /// Reads one line; the values are valid until the next call. Throws BadLine for a text that is no object, a member
  /// that is an object or an array, or one that is there twice.
  void read(std::string_view line) {
    for (Value& value : values_) value.seen = false, value.text.clear();
    path_.clear(), ends_.clear(), error_.clear();
    arrays_ = 0, depth_ = 0;
    if (nlohmann::json::sax_parse(line.begin(), line.end(), this)) return;
    const bool python = line.starts_with("{'") || line.starts_with("{u'");
    const bool utf8 = heed::detail::utf8_valid_prefix(line) == line.size();
    throw data::detail::BadLine{error_ + (python  ? " (Python? print(json.dumps(ast.literal_eval(line))) converts it)"
                                          : !utf8 ? " (--encoding latin1?)"
                                                  : "")};
  }
  const std::string& operator[](std::size_t i) const { return values_[i].text; }

  // What the parser calls.
  using json = nlohmann::json;
  bool null() { return take(""); }
  bool boolean(bool value) { return take(value ? "true" : "false"); }
  bool number_integer(json::number_integer_t value) { return number(value); }
  bool number_unsigned(json::number_unsigned_t value) { return number(value); }
  bool number_float(json::number_float_t, const std::string& written) { return take(written); }
  bool string(std::string& value) { return take(value); }
  bool binary(json::binary_t&) { return false; }
  bool key(std::string& name) {
    if (arrays_ > 0) return true;
    path_.resize(ends_.back());
    if (!path_.empty()) path_ += '.';
    path_ += name;
    return true;
  }
  bool start_object(std::size_t) {
    if (!enter()) return false;
    if (arrays_ == 0) ends_.push_back(path_.size());
    return true;
  }
  bool end_object() {
    --depth_;
    if (arrays_ > 0) return true;
    path_.resize(ends_.back());
    ends_.pop_back();
    return true;
  }
  bool start_array(std::size_t) {
    if (depth_ == 0)
      return refuse("wanted a JSON object, got an array (one object per line is read: jq -c '.[]' converts it)");
    ++arrays_;
    return enter();
  }
  bool end_array() { return --depth_, --arrays_, true; }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::json::exception&) {
    return refuse(message("wanted a JSON object, got something else at byte ", at));
  }

 private:
  struct Value {
    bool seen = false;
    std::string text;
  };

  bool refuse(std::string why) {
    if (error_.empty()) error_ = std::move(why);
    return false;
  }
  /// An object or an array begins.
  bool enter() {
    if (++depth_ > max_json_depth) {
      return refuse(message("wanted at most ", max_json_depth, " arrays and objects inside one another"));
    }
    if (depth_ == 1 || arrays_ > 1) return true;
    for (const std::string& path : paths_) {
      if (!path.empty() && path == path_) return refuse(message("wanted a value, got a list or object ", quoted(path)));
    }
    return true;
  }
  bool take(std::string_view text) {
    if (depth_ == 0) return refuse("wanted a JSON object, got a value");
    if (arrays_ > 0) return true;
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      if (paths_[i].empty() || paths_[i] != path_) continue;
      if (values_[i].seen) return refuse(message("wanted one member ", quoted(path_), ", got several"));
      values_[i].seen = true;
      values_[i].text = text;
    }
    return true;
  }
  template <class T>
  bool number(T value) {
    std::array<char, 24> text;
    return take({text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr});
  }
  static std::string quoted(std::string_view text) { return data::detail::quoted(text); }

  std::vector<std::string> paths_;
  std::vector<Value> values_;      // [paths]
  std::string path_;               // of the current member
  std::vector<std::size_t> ends_;  // of the path of each open object that is in no array
  std::ptrdiff_t depth_ = 0, arrays_ = 0;
  std::string error_;
};

inline void read_json_lines_into(data::LineReader& lines, const LogOptions& options,
                                 data::detail::EventReader& events) {
  const auto or_else = [](const std::string& column, const char* usual) { return column.empty() ? usual : column; };
  const bool timed = !options.time_column.empty(), rated = !options.rating_column.empty(),
             kinds = !options.kind_column.empty();
  JsonMembers members({or_else(options.user_column, "user_id"), or_else(options.item_column, "item_id"),
                       options.time_column, options.rating_column, options.kind_column,
                       options.items.empty() ? options.name_column : ""});
  events.begin(lines, {.times = timed, .ratings = rated, .kinds = kinds});
  events.read(lines, [&](data::LineReader& at) {
    members.read(at.line());
    data::detail::ParsedEvent event{.user = members[0], .item = {}, .name = members[5]};
    if (!events.has_user(event.user)) return;
    event.item = data::detail::parse_id(members[1], "item");
    if (timed) event.time = events.parse_time(members[2]);
    if (rated) event.rating = data::detail::parse_rating(members[3]);
    if (kinds) event.kind = data::detail::parse_id(members[4], "kind");
    events.add(event);
  });
}

}  // namespace heed::inline HEED_ABI::io::detail
