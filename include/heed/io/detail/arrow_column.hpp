// SPDX-License-Identifier: Apache-2.0
// One column of a table in Arrow's C data interface: its type, its nulls, and its values as ids, times and ratings.
#pragma once

#include <charconv>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <limits>
#include <string>
#include <string_view>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/utf8.hpp"
#include "heed/data/fields.hpp"
#include "heed/data/parse_time.hpp"
#include "heed/data/time.hpp"
#include "heed/io/detail/arrow_c_data.hpp"

namespace heed::inline HEED_ABI::io::detail {

using data::detail::BadLine;

/// How the values of an array are stored.
struct ArrowType {
  enum class Kind { other, signed_integer, unsigned_integer, real, text, text_view, time };

  std::string_view name;  ///< as pyarrow names it; empty for a type that is not in the table
  Kind kind = Kind::other;
  int bytes = 0;            ///< of an integer, a real number, a time, or an offset into texts
  std::int64_t digits = 1;  ///< time: the unit is digits * 10^-scale seconds
  int scale = 0;
};

inline bool is_text(ArrowType::Kind kind) {
  return kind == ArrowType::Kind::text || kind == ArrowType::Kind::text_view;
}
inline bool is_integer(ArrowType::Kind kind) {
  return kind == ArrowType::Kind::signed_integer || kind == ArrowType::Kind::unsigned_integer;
}

/// Returns the type that a format string of the interface stands for. Binary values are read as texts.
inline ArrowType arrow_type(std::string_view format) {
  using enum ArrowType::Kind;
  struct Known {
    std::string_view format;  // with a colon at its end: only the start
    ArrowType type;
  };
  static constexpr Known all[] = {
      {"c", {"int8", signed_integer, 1}},
      {"s", {"int16", signed_integer, 2}},
      {"i", {"int32", signed_integer, 4}},
      {"l", {"int64", signed_integer, 8}},
      {"C", {"uint8", unsigned_integer, 1}},
      {"S", {"uint16", unsigned_integer, 2}},
      {"I", {"uint32", unsigned_integer, 4}},
      {"L", {"uint64", unsigned_integer, 8}},
      {"f", {"float32", real, 4}},
      {"g", {"float64", real, 8}},
      {"u", {"string", text, 4}},
      {"U", {"large_string", text, 8}},
      {"vu", {"string_view", text_view}},
      {"z", {"binary", text, 4}},
      {"Z", {"large_binary", text, 8}},
      {"vz", {"binary_view", text_view}},
      {"tdD", {"date32", time, 4, 86400}},
      {"tdm", {"date64", time, 8, 1, 3}},
      {"tss:", {"timestamp[s]", time, 8}},
      {"tsm:", {"timestamp[ms]", time, 8, 1, 3}},
      {"tsu:", {"timestamp[us]", time, 8, 1, 6}},
      {"tsn:", {"timestamp[ns]", time, 8, 1, 9}},
      {"n", {"null"}},
      {"b", {"bool"}},
      {"e", {"float16"}},
      {"d:", {"decimal"}},
      {"w:", {"fixed_size_binary"}},
      {"+r", {"run_end_encoded"}},
      {"+l", {"list"}},
      {"+L", {"large_list"}},
      {"+s", {"struct"}},
  };
  for (const Known& known : all) {
    if (known.format == format || (known.format.ends_with(':') && format.starts_with(known.format))) return known.type;
  }
  return {};
}

/// Returns the type of a column for a message: `float64 ("g")`.
inline std::string arrow_type_text(const ArrowSchema& column) {
  if (column.dictionary != nullptr) return "a dictionary of " + arrow_type_text(*column.dictionary);
  const std::string format = data::detail::quoted(column.format);
  const ArrowType type = arrow_type(column.format);
  return type.name.empty() ? "the format " + format : message(type.name, " (", format, ")");
}

/// The values of an array: of a column of a batch, or of a dictionary.
struct ArrowValues {
  ArrowType type;
  const ArrowArray* array = nullptr;

  /// Throws BadLine unless the array has `wanted` buffers.
  void check(std::int64_t wanted) const {
    if (array->length < 0 || array->offset < 0) {
      throw BadLine{message("wanted rows, got ", array->length, " from row ", array->offset)};
    }
    if (array->length == 0) return;
    if (array->n_buffers < wanted || array->buffers == nullptr || (wanted > 1 && array->buffers[1] == nullptr)) {
      throw BadLine{message("wanted ", wanted, " buffers, got ", array->n_buffers, " or one without memory")};
    }
    if (array->null_count > 0 && array->buffers[0] == nullptr) {
      throw BadLine{message("wanted a bitmap of ", array->null_count, " nulls, got none")};
    }
  }
  void check() const { check(is_text(type.kind) ? 3 : 2); }

  bool is_null(std::int64_t i) const {
    if (array->null_count == 0 || array->buffers[0] == nullptr) return false;
    const auto at = static_cast<std::uint64_t>(array->offset + i);
    return (static_cast<const unsigned char*>(array->buffers[0])[at / 8] >> (at % 8) & 1) == 0;
  }

  /// Value `i` of an array of integers or times; an unsigned one with 64 bits as the signed one of the same bits.
  std::int64_t integer(std::int64_t i) const {
    const bool is_unsigned = type.kind == ArrowType::Kind::unsigned_integer;
    switch (type.bytes) {
      case 1:
        return is_unsigned ? load<std::uint8_t>(i) : load<std::int8_t>(i);
      case 2:
        return is_unsigned ? load<std::uint16_t>(i) : load<std::int16_t>(i);
      case 4:
        return is_unsigned ? std::int64_t{load<std::uint32_t>(i)} : load<std::int32_t>(i);
      default:
        return load<std::int64_t>(i);
    }
  }

  /// Calls `f` with number `i` in its own type: float, double, std::int64_t or std::uint64_t.
  template <class F>
  auto with_number(std::int64_t i, F f) const {
    if (type.kind == ArrowType::Kind::real) return type.bytes == 4 ? f(load<float>(i)) : f(load<double>(i));
    if (type.kind == ArrowType::Kind::unsigned_integer) return f(static_cast<std::uint64_t>(integer(i)));
    return f(integer(i));
  }

  /// Text `i`, a view of the array's memory. Throws BadLine when its place cannot be.
  std::string_view text(std::int64_t i) const {
    if (type.kind == ArrowType::Kind::text_view) return viewed_text(i);
    const std::int64_t begin = type.bytes == 4 ? load<std::int32_t>(i) : load<std::int64_t>(i);
    const std::int64_t end = type.bytes == 4 ? load<std::int32_t>(i + 1) : load<std::int64_t>(i + 1);
    if (begin < 0 || end < begin) throw BadLine{message("wanted increasing offsets, got ", begin, " and ", end)};
    if (begin == end) return {};
    if (array->buffers[2] == nullptr) throw BadLine{message("wanted a buffer of ", end, " bytes of text, got none")};
    return {static_cast<const char*>(array->buffers[2]) + begin, static_cast<std::size_t>(end - begin)};
  }

 private:
  /// Buffers need not be aligned.
  template <class T>
  static T load_from(const void* from, std::int64_t byte) {
    T value;
    std::memcpy(&value, static_cast<const char*>(from) + byte, sizeof(T));
    return value;
  }
  template <class T>
  T load(std::int64_t i) const {
    return load_from<T>(array->buffers[1], (array->offset + i) * static_cast<std::int64_t>(sizeof(T)));
  }

  /// A view has 16 bytes: the length, and either the text or its first 4 bytes, the number of a buffer and a place in
  /// it. The last buffer of the array has the sizes of these buffers.
  std::string_view viewed_text(std::int64_t i) const {
    const char* const view = static_cast<const char*>(array->buffers[1]) + 16 * (array->offset + i);
    const auto length = load_from<std::int32_t>(view, 0);
    if (length >= 0 && length <= 12) return {view + 4, static_cast<std::size_t>(length)};
    const auto buffer = load_from<std::int32_t>(view, 8), begin = load_from<std::int32_t>(view, 12);
    const std::int64_t buffers = array->n_buffers - 3;
    if (length < 0 || buffer < 0 || buffer >= buffers || begin < 0 || array->buffers[2 + buffer] == nullptr ||
        array->buffers[array->n_buffers - 1] == nullptr ||
        load_from<std::int64_t>(array->buffers[array->n_buffers - 1], 8 * std::int64_t{buffer}) - begin < length) {
      throw BadLine{message("wanted a text in one of ", buffers, " buffers, got ", length, " bytes from ", begin,
                            " of buffer ", buffer)};
    }
    return {static_cast<const char*>(array->buffers[2 + buffer]) + begin, static_cast<std::size_t>(length)};
  }
};

/// Returns the time of a date, `digits` * 10^-`scale` seconds since 1970, with the decimals that it needs.
inline data::DecimalTime arrow_time(std::int64_t digits, std::int32_t scale) {
  for (; scale > 0 && digits % 10 == 0; --scale) digits /= 10;
  data::DecimalTime out(digits);
  out.scale = scale;
  out.date = true;
  return out;
}

/// A column of a table, which may be a dictionary: then `rows_` has indices into `values_`.
class ArrowColumn {
 public:
  enum class Use { id, time, rating };

  /// Finds the column `name` of a table. Throws BadLine when there is not one, or when its type has another use.
  ArrowColumn(const ArrowSchema& table, std::string_view name, Use use) : name_(name) {
    std::string names;
    for (std::int64_t c = 0; c < table.n_children; ++c) {
      const char* const other = table.children[c]->name == nullptr ? "" : table.children[c]->name;
      names += message(c == 0 ? "" : ", ", data::detail::quoted(other));
      if (other != name) continue;
      if (at_ >= 0) throw BadLine{"wanted one column of this name, got more"};
      at_ = c;
    }
    if (at_ < 0) throw BadLine{"there is no such column; the columns are " + names};
    const ArrowSchema& column = *table.children[at_];
    is_dictionary_ = column.dictionary != nullptr;
    if (column.format == nullptr || (is_dictionary_ && column.dictionary->format == nullptr)) {
      throw BadLine{"wanted a format, got none"};
    }
    rows_.type = arrow_type(column.format);
    values_.type = is_dictionary_ ? arrow_type(column.dictionary->format) : rows_.type;
    const bool nested = is_dictionary_ && (column.dictionary->dictionary != nullptr || !is_integer(rows_.type.kind));
    if (nested || !suits(use, values_.type.kind)) {
      throw BadLine{message("wanted ", wanted(use), ", got ", arrow_type_text(column))};
    }
  }

  const std::string& name() const { return name_; }

  /// Moves to the next batch, which must outlive the calls below. Throws BadLine when it lacks rows or buffers.
  void bind(const ArrowArray& batch) {
    batch_.array = &batch;
    batch_.check(1);
    rows_.array = batch.children[at_];
    rows_.check();
    if (rows_.array->length - batch.offset < batch.length) {
      throw BadLine{message("wanted ", batch.offset, " + ", batch.length, " rows, got ", rows_.array->length)};
    }
    values_.array = is_dictionary_ ? rows_.array->dictionary : rows_.array;
    if (values_.array == nullptr) throw BadLine{"wanted a dictionary, got none"};
    if (is_dictionary_) values_.check();
  }

  /// Returns whether a row has an id: neither null nor a text that is empty or of blanks.
  bool has_id(std::int64_t row) const {
    const std::int64_t at = find(row);
    return at != null && !(is_text(values_.type.kind) && data::detail::trimmed(values_.text(at)).empty());
  }

  /// Returns the id of a row: a view of the batch, or of digits that the next call overwrites. Throws BadLine when it
  /// is null, empty, of blanks or not UTF-8.
  std::string_view id(std::int64_t row) {
    const std::int64_t at = need(row);
    if (is_integer(values_.type.kind)) {
      return values_.with_number(at, [&](auto value) { return write(value); });
    }
    const std::string_view text = values_.text(at);
    if (data::detail::trimmed(text).empty()) throw BadLine{"it is an empty text"};
    if (heed::detail::utf8_valid_prefix(text) != text.size()) {
      throw BadLine{message("wanted an id in UTF-8, got ", data::detail::quoted(text))};
    }
    return text;
  }

  /// Returns the time of a row. Throws BadLine when it is null or does not fit.
  data::DecimalTime time(std::int64_t row) {
    const std::int64_t at = need(row);
    switch (values_.type.kind) {
      case ArrowType::Kind::time:
        return arrow_time(values_.integer(at) * values_.type.digits, values_.type.scale);
      case ArrowType::Kind::text:
      case ArrowType::Kind::text_view:
        return parse_time_(values_.text(at));
      case ArrowType::Kind::signed_integer:
        return data::DecimalTime(values_.integer(at));
      default:
        return values_.with_number(at, [&](auto value) { return data::detail::parse_time(write(value)); });
    }
  }

  /// Returns the rating of a row. Throws BadLine when it is null or not finite.
  float rating(std::int64_t row) const {
    return values_.with_number(need(row), [](auto value) {
      const auto real = static_cast<double>(value);
      if (!(std::abs(real) <= std::numeric_limits<float>::max())) {
        throw BadLine{message("wanted a finite rating, got ", real)};
      }
      return static_cast<float>(value);
    });
  }

 private:
  static constexpr std::int64_t null = -1;

  static bool suits(Use use, ArrowType::Kind kind) {
    if (use == Use::time) return kind != ArrowType::Kind::other;
    if (is_integer(kind)) return true;
    return use == Use::rating ? kind == ArrowType::Kind::real : is_text(kind);
  }
  static std::string_view wanted(Use use) {
    if (use == Use::time) return "timestamps, dates, numbers, texts or a dictionary of these";
    return use == Use::rating ? "numbers or a dictionary of these" : "integers, texts or a dictionary of these";
  }

  /// Returns the place of a row's value in `values_`, or `null`.
  std::int64_t find(std::int64_t row) const {
    if (batch_.is_null(row)) return null;
    row += batch_.array->offset;
    if (rows_.is_null(row)) return null;
    if (!is_dictionary_) return row;
    const std::int64_t at = rows_.integer(row);
    if (at < 0 || at >= values_.array->length) {
      throw BadLine{message("wanted an index into a dictionary of ", values_.array->length, ", got ", at)};
    }
    return values_.is_null(at) ? null : at;
  }
  std::int64_t need(std::int64_t row) const {
    const std::int64_t at = find(row);
    if (at == null) throw BadLine{"it is null"};
    return at;
  }

  /// Writes a number into `digits_`, with the fewest digits that give it back, and without an exponent.
  std::string_view write(std::integral auto value) {
    return {digits_, static_cast<std::size_t>(std::to_chars(digits_, std::end(digits_), value).ptr - digits_)};
  }
  std::string_view write(std::floating_point auto value) {
    if (!std::isfinite(value)) throw BadLine{message("wanted a finite number, got ", value)};
    const auto end = std::to_chars(digits_, std::end(digits_), value, std::chars_format::fixed).ptr;
    return {digits_, static_cast<std::size_t>(end - digits_)};
  }

  std::string name_;
  std::int64_t at_ = -1;  // among the columns of the table
  bool is_dictionary_ = false;
  ArrowValues batch_, rows_, values_;
  data::detail::TimeParser parse_time_;  // of texts
  char digits_[400];                     // the smallest double has 325 characters before its digits
};

}  // namespace heed::inline HEED_ABI::io::detail
