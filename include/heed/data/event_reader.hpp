// SPDX-License-Identifier: Apache-2.0
// Takes the events that a reader parses, from one file or several, and builds the log.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "heed/data/fields.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/lines.hpp"
#include "heed/data/parse_time.hpp"
#include "heed/data/read_report.hpp"

namespace heed::inline HEED_ABI::data::detail {

/// One event as a reader parsed it.
struct ParsedEvent {
  std::string_view user, item;
  DecimalTime time{};
  float rating = 0;
  std::string_view kind = {}, name = {};  // the name of the item; empty: unknown
};

class EventReader {
 public:
  /// `operation` is the prefix of errors. `report` may be null.
  EventReader(std::string_view operation, const ReadOptions& options, ReadReport* report)
      : operation_(operation),
        options_(options),
        parse_time_(options.times),
        report_(report != nullptr ? *report : own_report_) {
    report_ = {};
  }
  EventReader(const EventReader&) = delete;
  EventReader& operator=(const EventReader&) = delete;

  std::string_view operation() const { return operation_; }
  ReadReport& report() { return report_; }

  /// Begins a file with these columns. Throws IoError when an earlier file has others, OptionError when there are no
  /// ratings to compare with min_rating.
  void begin(const LineReader& lines, InteractionFields fields) {
    if (options_.min_rating && !fields.ratings) {
      fail<OptionError>(operation_, "--min-rating: ", lines.name(), " has no ratings: a column of them is wanted");
    }
    if (!builder_) {
      builder_.emplace(fields, options_.times.unit), fields_ = fields;
    } else if (fields.times != fields_.times || fields.ratings != fields_.ratings || fields.kinds != fields_.kinds) {
      fail<IoError>(operation_, lines.name(), ": wanted times, ratings and kinds in all files or in none");
    }
    ++files_;
  }

  /// Calls `parse(lines)` as read_records does; `parse` calls `has_user` and `add`.
  template <class Parse>
  void read(LineReader& lines, Parse parse, bool from_current = false) {
    file_ = lines.name();
    read_records(
        lines, operation_, options_, report_,
        [&](LineReader& at) {
          line_ = at.line_number();
          parse(at);
        },
        from_current);
  }

  /// Returns whether the record has a user; counts it otherwise. Throws BadLine for a text that is not UTF-8.
  bool has_user(std::string_view user) {
    if (!is_missing(parse_text(user, "user"))) return true;
    const bool empty = trimmed(user).empty();
    if (!empty && options_.missing_user == MissingUser::keep) return true;
    if (!user_was_missing_) missing_text_ = !empty;
    report_.skip("no user",
                 user_was_missing_ ? "" : message(file_, ":", line_, ": the user is ", empty ? "empty" : quoted(user)));
    user_was_missing_ = true;
    return false;
  }

  /// Throws BadLine.
  DecimalTime parse_time(std::string_view field) { return parse_time_(field); }

  void add(const ParsedEvent& event) {
    if (options_.min_rating && !(event.rating >= static_cast<float>(*options_.min_rating))) {  // both rounded: 4.1
      ++report_.low_ratings;
      return;
    }
    builder_->add(event.user, event.item, event.time, event.rating, event.kind);
    if (!event.name.empty()) builder_->name_item(event.name);
  }

  /// Returns the log. Throws IoError when there are no events, or lines without a user and no option says what to do.
  Interactions finish() {
    for (const auto& [reason, count, first] : report_.skipped) {
      if (reason != "no user" || options_.skip_bad_lines || options_.missing_user == MissingUser::skip) continue;
      fail<IoError>(operation_, first, ", as in ", count, " of ", report_.lines,
                    " lines: --missing-user skip leaves them out",
                    missing_text_ ? ", keep takes the text for a user" : "");
    }
    if (!builder_ || builder_->size() == 0) {
      std::string why;
      if (report_.skipped_lines > 0) {
        why = message(": ", report_.skipped_lines, " of ", report_.lines, " lines were skipped, the first because of ",
                      report_.skipped.front().first);
      }
      if (report_.low_ratings > 0) why += message(": ", report_.low_ratings, " ratings are below --min-rating");
      fail<IoError>(operation_, file_, ": no interactions in the file", files_ > 1 ? "s" : "", why);
    }
    Interactions log = std::move(*builder_).build(&report_.times);
    describe(log, report_);
    return log;
  }

 private:
  std::string_view operation_;
  ReadOptions options_;
  TimeParser parse_time_;
  ReadReport own_report_;
  ReadReport& report_;
  InteractionFields fields_;
  std::optional<InteractionsBuilder> builder_;
  int files_ = 0;
  std::string file_;
  Index line_ = 0;  // where the current record begins
  bool user_was_missing_ = false;
  bool missing_text_ = false;  // the first one was a text such as NULL
};

}  // namespace heed::inline HEED_ABI::data::detail
