// SPDX-License-Identifier: Apache-2.0
// Reads a log from memory through Arrow's C data interface: from pyarrow, Polars, DuckDB, Spark and others, and through
// them from Parquet files and databases. Requires nothing.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/printable.hpp"
#include "heed/data/interactions.hpp"
#include "heed/data/read_report.hpp"
#include "heed/data/time.hpp"
#include "heed/io/detail/arrow_c_data.hpp"
#include "heed/io/detail/arrow_column.hpp"

namespace heed::inline HEED_ABI::io {

/// The columns of an Arrow table to read, by name; all others are ignored.
struct ArrowOptions {
  std::string user = "user_id";
  std::string item = "item_id";
  std::string time = "";                      ///< empty: no times, events are in the order of the table
  std::string rating = "";                    ///< empty: no ratings
  std::string kind = "";                      ///< empty: no kinds of event
  std::optional<data::TimeUnit> time_unit{};  ///< of times that are numbers; nullopt: found from the largest one
  /// What to do with rows whose user is null, empty or a text such as NULL: an error at the first one, or they are left
  /// out, or such texts are users.
  data::MissingUser missing_user = data::MissingUser::error;

  void fields(auto&& visitor) {
    visitor("user", user, "item", item, "time", time, "rating", rating, "kind", kind, "time_unit", time_unit,
            "missing_user", missing_user);
  }
};

namespace detail {

/// Releases a struct of the interface at the end of the scope, unless it is released already.
template <class T>
struct ArrowOwner {
  T& owned;
  ArrowOwner(T& to_own) : owned(to_own) {}
  ArrowOwner(const ArrowOwner&) = delete;
  ArrowOwner& operator=(const ArrowOwner&) = delete;
  ~ArrowOwner() {
    if (owned.release != nullptr) owned.release(&owned);
  }
};

/// Collects the events of batches that have the same columns.
class ArrowReader {
 public:
  ArrowReader(const ArrowSchema& table, const ArrowOptions& options)
      : missing_user_(options.missing_user),
        width_(table.n_children),
        builder_({.times = !options.time.empty(), .ratings = !options.rating.empty(), .kinds = !options.kind.empty()},
                 options.time_unit) {
    if (options.user.empty() || options.item.empty()) {
      fail<OptionError>(operation, "wanted the names of a user and an item column, got an empty one");
    }
    if (std::string_view(table.format) != "+s") {
      fail<IoError>(operation, "wanted a table, struct (\"+s\"), got ", arrow_type_text(table));
    }
    const auto find = [&](std::optional<ArrowColumn>& column, const std::string& name, ArrowColumn::Use use) {
      try {
        if (!name.empty()) column.emplace(table, name, use);
      } catch (const BadLine& bad) {
        fail<IoError>(operation, "column ", data::detail::quoted(name), ": ", bad.text);
      }
    };
    find(user_, options.user, ArrowColumn::Use::id);
    find(item_, options.item, ArrowColumn::Use::id);
    find(time_, options.time, ArrowColumn::Use::time);
    find(rating_, options.rating, ArrowColumn::Use::rating);
    find(kind_, options.kind, ArrowColumn::Use::id);
  }

  void read(const ArrowArray& batch) {
    if (batch.n_children != width_) {
      fail<IoError>(operation, "wanted batches of ", width_, " columns, got ", batch.n_children);
    }
    std::int64_t row = -1;
    try {
      for (auto* column : {&user_, &item_, &time_, &rating_, &kind_}) {
        if (*column) at(*column).bind(batch);
      }
      for (row = 0; row < batch.length; ++row, ++report_.lines) {
        const std::string_view user = user_of(row);
        if (user.empty()) continue;
        const std::string_view item = at(item_).id(row);
        const auto time = time_ ? at(time_).time(row) : data::DecimalTime();
        const float rating = rating_ ? at(rating_).rating(row) : 0;
        builder_.add(user, item, time, rating, kind_ ? at(kind_).id(row) : "");
      }
    } catch (const BadLine& bad) {
      fail<IoError>(operation, place(row), bad.text);
    }
  }

  data::Interactions finish(data::ReadReport* report) && {
    if (builder_.size() == 0) {
      fail<IoError>(operation, "no interactions in the table: ", report_.lines, " rows, ", report_.skipped_lines,
                    " without a user");
    }
    data::Interactions log = std::move(builder_).build(&report_.times);
    data::detail::describe(log, report_);
    if (report != nullptr) *report = std::move(report_);
    return log;
  }

 private:
  static constexpr std::string_view operation = "read_arrow";

  /// Returns the user of a row; empty when it has none, which is counted. Throws BadLine if it must have one.
  std::string_view user_of(std::int64_t row) {
    const bool skip = missing_user_ == data::MissingUser::skip;
    if (skip && !at(user_).has_id(row)) {
      report_.skip("no user", place(row) + "it is null or an empty text");
      return {};
    }
    const std::string_view user = at(user_).id(row);
    if (missing_user_ == data::MissingUser::keep || !data::detail::is_missing(user)) return user;
    const std::string what = message("it is ", data::detail::quoted(user));
    if (!skip) throw BadLine{what + ", no user: missing_user skip leaves the row out, keep takes the text for a user"};
    report_.skip("no user", place(row) + what);
    return {};
  }

  /// Returns the column, which errors then name.
  ArrowColumn& at(std::optional<ArrowColumn>& column) {
    current_ = &*column;
    return *column;
  }
  /// The start of a message about the current column and, unless it is negative, the row.
  std::string place(std::int64_t row) const {
    return message("column ", data::detail::quoted(current_->name()), row < 0 ? "" : message(", row ", report_.lines),
                   ": ");
  }

  data::MissingUser missing_user_;
  std::int64_t width_;
  data::InteractionsBuilder builder_;
  data::ReadReport report_;
  std::optional<ArrowColumn> user_, item_, time_, rating_, kind_;
  const ArrowColumn* current_ = nullptr;
};

/// Calls `get`, which fills a struct of the interface from `stream`. Throws IoError with the stream's own message.
template <class T>
void get_from(ArrowArrayStream& stream, int (*get)(ArrowArrayStream*, T*), T& out, std::string_view what) {
  const int error = get(&stream, &out);
  if (error == 0) return;
  out.release = nullptr;  // whatever it is: there is nothing to release
  const char* const text = stream.get_last_error(&stream);
  fail<IoError>("read_arrow", "the stream gave no ", what, ": ",
                printable(text != nullptr ? text : std::strerror(error), 1000));
}

}  // namespace detail

/// Reads the log from a stream of batches of a table. The stream is consumed: it is released, also after an error.
///
/// Types: ids and kinds are integers of any width, which become their decimal digits, or texts (string, large_string,
/// string_view, and binary that is UTF-8). Times are timestamps of any unit, which count from 1970 in UTC (without a
/// zone: in the table's own time), date32, date64, or integers, real numbers and texts (numbers or ISO 8601 dates).
/// Their unit and fractions are kept. Ratings are integers, float32 or float64. Each may be a dictionary. Texts are
/// copied once, when the log first sees them.
///
/// Throws IoError, which names the column and, counted from 0 over all batches, the row: on a missing column, a type
/// that does not fit (the wanted and the found one are named), a null or an empty id, a user that stands for none
/// (NULL, NaN, None), an id that is not UTF-8, a rating that is not finite, an error of the stream, and a table without
/// interactions. Throws OptionError without the name of a user or item column. `report` counts rows as lines. Dates and
/// numbers in one column cannot be mixed.
///
/// The interface passes addresses without the sizes of buffers: a producer that lies about its lengths makes any
/// consumer read outside of them, which cannot be checked. Take streams from producers in the same program, and leave
/// the check of files from strangers to these.
inline data::Interactions read_arrow(ArrowArrayStream& stream, const ArrowOptions& options = {},
                                     data::ReadReport* report = nullptr) {
  const detail::ArrowOwner<ArrowArrayStream> stream_owner(stream);
  if (stream.release == nullptr) fail<IoError>("read_arrow", "wanted a stream, got a released one");
  ArrowSchema table{};
  const detail::ArrowOwner<ArrowSchema> table_owner(table);
  detail::get_from(stream, stream.get_schema, table, "schema");
  detail::ArrowReader reader(table, options);
  for (;;) {
    ArrowArray batch{};
    const detail::ArrowOwner<ArrowArray> batch_owner(batch);
    detail::get_from(stream, stream.get_next, batch, "batch");
    if (batch.release == nullptr) return std::move(reader).finish(report);
    reader.read(batch);
  }
}

/// Reads the log from one batch, as from a stream. Both structs are released, also after an error.
inline data::Interactions read_arrow(ArrowSchema& table, ArrowArray& batch, const ArrowOptions& options = {},
                                     data::ReadReport* report = nullptr) {
  const detail::ArrowOwner<ArrowSchema> table_owner(table);
  const detail::ArrowOwner<ArrowArray> batch_owner(batch);
  if (table.release == nullptr || batch.release == nullptr) {
    fail<IoError>("read_arrow", "wanted a schema and an array, got a released one");
  }
  detail::ArrowReader reader(table, options);
  reader.read(batch);
  return std::move(reader).finish(report);
}

}  // namespace heed::inline HEED_ABI::io
