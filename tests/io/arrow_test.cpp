// SPDX-License-Identifier: Apache-2.0
#include "heed/io/arrow.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using heed::IoError;
using heed::data::Interactions;
using heed::data::ReadReport;
using heed::io::ArrowOptions;
using heed::io::read_arrow;

namespace {

// ---- a producer of tables, written by hand, which counts its structs

/// The structs that were given away and not yet released.
int held = 0;

/// A column of values in Arrow's layout. `exported` copies hold the memory until they are released.
struct Column {
  std::string name{}, format{};
  std::int64_t length = 0, offset = 0, null_count = 0;
  std::vector<std::string> buffers{};  // the first is the bitmap
  bool bitmap = false;
  std::shared_ptr<Column> dictionary{};

  /// With nulls at these places, counted or (-1) not.
  Column nulls(const std::vector<std::size_t>& places, bool counted = true) const {
    Column out = *this;
    out.bitmap = true;
    out.buffers[0].assign(static_cast<std::size_t>(length + 7) / 8, '\xff');
    for (const std::size_t i : places) {
      char& byte = out.buffers[0][i / 8];
      byte = static_cast<char>(byte & ~(1 << i % 8));
    }
    out.null_count = counted ? static_cast<std::int64_t>(places.size()) : -1;
    return out;
  }
  /// Rows begin .. begin + count, as a view of the same memory.
  Column slice(std::int64_t begin, std::int64_t count) const {
    Column out = *this;
    out.offset += begin;
    out.length = count;
    if (bitmap) out.null_count = -1;
    return out;
  }
  Column named(const std::string& other) const {
    Column out = *this;
    out.name = other;
    return out;
  }
};

template <class T>
void append(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof(T));
}

template <class T>
Column numbers(const std::string& name, const std::string& format, const std::vector<T>& values) {
  Column out{.name = name, .format = format, .length = std::ssize(values), .buffers = {"", ""}};
  for (const T value : values) append(out.buffers[1], value);
  return out;
}

/// `u` and `z` have offsets of 32 bits, `U` and `Z` of 64.
Column texts(const std::string& name, const std::vector<std::string>& values, const std::string& format = "u") {
  Column out{.name = name, .format = format, .length = std::ssize(values), .buffers = {"", "", ""}};
  const auto add_offset = [&] {
    const std::size_t end = out.buffers[2].size();
    format == "u" || format == "z" ? append(out.buffers[1], static_cast<std::int32_t>(end))
                                   : append(out.buffers[1], static_cast<std::int64_t>(end));
  };
  add_offset();
  for (const std::string& value : values) {
    out.buffers[2] += value;
    add_offset();
  }
  return out;
}

/// Views of texts; the long ones are in two buffers.
Column views(const std::string& name, const std::vector<std::string>& values) {
  Column out{.name = name, .format = "vu", .length = std::ssize(values), .buffers = {"", "", "", "", ""}};
  int next = 0;
  for (const std::string& value : values) {
    std::string view;
    append(view, static_cast<std::int32_t>(value.size()));
    if (value.size() <= 12) {
      view += value;
    } else {
      std::string& buffer = out.buffers[static_cast<std::size_t>(2 + next)];
      view += value.substr(0, 4);
      append(view, std::int32_t{next});
      append(view, static_cast<std::int32_t>(buffer.size()));
      buffer += value;
      next = 1 - next;
    }
    view.resize(16);
    out.buffers[1] += view;
  }
  for (const int i : {2, 3})
    append(out.buffers[4], static_cast<std::int64_t>(out.buffers[static_cast<std::size_t>(i)].size()));
  return out;
}

Column dictionary(Column indices, const Column& values) {
  indices.dictionary = std::make_shared<Column>(values);
  return indices;
}

/// What a struct that was given away points to.
template <class T>
struct Owned {
  Column column;
  std::vector<T> structs;
  std::vector<T*> children;
  std::vector<const void*> buffers;
  T dictionary{};
};

/// Releases as the specification asks: first the children, then the struct's own memory.
template <class T>
void release(T* out) {
  auto* const owned = static_cast<Owned<T>*>(out->private_data);
  for (T& child : owned->structs) {
    if (child.release != nullptr) child.release(&child);
  }
  if (owned->dictionary.release != nullptr) owned->dictionary.release(&owned->dictionary);
  delete owned;
  out->release = nullptr;
  --held;
}

template <class T>
Owned<T>* own(T* out, const Column& column) {
  auto* const owned = new Owned<T>{};
  owned->column = column;
  *out = T{};
  out->private_data = owned;
  out->release = release<T>;
  ++held;
  return owned;
}

void give(ArrowSchema* out, const Column& column) {
  auto* const owned = own(out, column);
  out->name = owned->column.name.c_str();
  out->format = owned->column.format.c_str();
  if (column.dictionary) {
    give(&owned->dictionary, *column.dictionary);
    out->dictionary = &owned->dictionary;
  }
}

void give(ArrowArray* out, const Column& column) {
  auto* const owned = own(out, column);
  for (const std::string& buffer : owned->column.buffers) owned->buffers.push_back(buffer.data());
  if (!column.bitmap && !owned->buffers.empty()) owned->buffers[0] = nullptr;
  out->length = column.length;
  out->offset = column.offset;
  out->null_count = column.null_count;
  out->n_buffers = std::ssize(owned->buffers);
  out->buffers = owned->buffers.data();
  if (column.dictionary) {
    give(&owned->dictionary, *column.dictionary);
    out->dictionary = &owned->dictionary;
  }
}

/// A table of these columns. `row` has the length, the offset and the bitmap of the table itself.
template <class T>
void give(T* out, const std::vector<Column>& columns, const Column& row) {
  give(out, row);
  auto* const owned = static_cast<Owned<T>*>(out->private_data);
  owned->structs.resize(columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    give(&owned->structs[c], columns[c]);
    owned->children.push_back(&owned->structs[c]);
  }
  out->children = owned->children.data();
  out->n_children = std::ssize(columns);
}

Column rows(std::int64_t length) { return {.format = "+s", .length = length, .buffers = {""}}; }

/// What a stream gives: batches of columns, or an error at one call.
struct Stream {
  std::vector<std::vector<Column>> batches;
  int fails_at = -1;  // 0: the schema, 1: the first batch, ..
  const char* error = "the disk is on fire";
  int calls = 0;

  ArrowArrayStream stream() {
    ++held;
    return {.get_schema =
                [](ArrowArrayStream* self, ArrowSchema* out) {
                  auto& from = *static_cast<Stream*>(self->private_data);
                  if (from.calls++ == from.fails_at) {
                    std::memset(static_cast<void*>(out), 0x5a, sizeof(*out));  // what an error leaves is not a schema
                    return 5;
                  }
                  give(out, from.batches.at(0), rows(0));
                  return 0;
                },
            .get_next =
                [](ArrowArrayStream* self, ArrowArray* out) {
                  auto& from = *static_cast<Stream*>(self->private_data);
                  if (from.calls == from.fails_at) {
                    std::memset(static_cast<void*>(out), 0x5a, sizeof(*out));
                    return 5;
                  }
                  const auto batch = static_cast<std::size_t>(from.calls++ - 1);
                  if (batch >= from.batches.size()) {
                    out->release = nullptr;
                  } else {
                    give(out, from.batches[batch], rows(from.batches[batch].at(0).length));
                  }
                  return 0;
                },
            .get_last_error = [](ArrowArrayStream* self) { return static_cast<Stream*>(self->private_data)->error; },
            .release =
                [](ArrowArrayStream* self) {
                  self->release = nullptr;
                  --held;
                },
            .private_data = this};
  }
};

// ---- readings, which all check that everything was released, once

Interactions read(Stream from, const ArrowOptions& options, ReadReport* report = nullptr) {
  ArrowArrayStream stream = from.stream();
  struct Released {
    ArrowArrayStream& stream;
    ~Released() {
      CHECK(stream.release == nullptr);
      CHECK(held == 0);
    }
  } released{stream};
  return read_arrow(stream, options, report);
}

Interactions read(const std::vector<Column>& columns, const ArrowOptions& options, ReadReport* report = nullptr) {
  return read(Stream{.batches = {columns}}, options, report);
}

template <class... Arguments>
std::string error_of(const Arguments&... arguments) {
  try {
    read(arguments...);
  } catch (const IoError& error) {
    return error.what();
  }
  return "no error";
}

const ArrowOptions ids{.user = "u", .item = "i"};
const ArrowOptions timed{.user = "u", .item = "i", .time = "t"};
const ArrowOptions rated{.user = "u", .item = "i", .rating = "r"};

/// The items of user 0 in order.
std::vector<std::string> items_of(const Interactions& log) {
  std::vector<std::string> out;
  for (const auto item : log.user(0).items) out.emplace_back(log.catalogue.items.text(item));
  return out;
}

/// Reads `column` as the items of one user.
std::vector<std::string> as_items(const Column& column) {
  const std::vector<std::int8_t> user(static_cast<std::size_t>(column.length), 1);
  return items_of(read({numbers("u", "c", user), column.named("i")}, ids));
}

/// Reads `column` as the times of one user's events.
std::vector<std::int64_t> as_times(const Column& column) {
  const std::vector<std::int8_t> user(static_cast<std::size_t>(column.length), 1);
  return read({numbers("u", "c", user), numbers("i", "c", user), column.named("t")}, timed).times;
}

std::vector<float> as_ratings(const Column& column) {
  const std::vector<std::int8_t> user(static_cast<std::size_t>(column.length), 1);
  return read({numbers("u", "c", user), numbers("i", "c", user), column.named("r")}, rated).ratings;
}

using Texts = std::vector<std::string>;
using Times = std::vector<std::int64_t>;

template <class T>
Texts limits(const std::string& format) {
  return as_items(numbers<T>("", format, {std::numeric_limits<T>::min(), 7, std::numeric_limits<T>::max()}));
}

}  // namespace

TEST_CASE("a table becomes a log with times, ratings and kinds", "[io][arrow]") {
  const std::vector<Column> columns{texts("who", {"ann", "bob", "ann"}),
                                    numbers<double>("ignored", "g", {1, 2, 3}),
                                    numbers<std::int32_t>("what", "i", {10, 10, 20}),
                                    numbers<std::int64_t>("when", "l", {30, 5, 20}),
                                    numbers<float>("stars", "f", {3.5F, 4, 5}),
                                    texts("how", {"bought", "viewed", "viewed"})};
  const ArrowOptions options{.user = "who", .item = "what", .time = "when", .rating = "stars", .kind = "how"};
  ReadReport report;
  const auto check = [&](const Interactions& log) {
    REQUIRE(log.num_users() == 2);
    CHECK(log.users.text(0) == "ann");
    CHECK(items_of(log) == Texts{"20", "10"});  // by time
    CHECK(log.times == Times{20, 30, 5});
    CHECK(log.ratings == std::vector<float>{5, 3.5F, 4});
    CHECK(log.catalogue.kinds.text(log.kinds[0]) == "viewed");
    CHECK(log.catalogue.kinds.text(log.kinds[1]) == "bought");
    CHECK(report.lines == 3);
    CHECK(report.skipped_lines == 0);
  };
  check(read(columns, options, &report));

  // The same from a schema and an array, without a stream.
  ArrowSchema schema{};
  ArrowArray batch{};
  give(&schema, columns, rows(0));
  give(&batch, columns, rows(3));
  report = {};
  check(read_arrow(schema, batch, options, &report));
  CHECK((schema.release == nullptr && batch.release == nullptr && held == 0));
}

TEST_CASE("integers of every width become ids", "[io][arrow]") {
  CHECK(limits<std::int8_t>("c") == Texts{"-128", "7", "127"});
  CHECK(limits<std::uint8_t>("C") == Texts{"0", "7", "255"});
  CHECK(limits<std::int16_t>("s") == Texts{"-32768", "7", "32767"});
  CHECK(limits<std::uint16_t>("S") == Texts{"0", "7", "65535"});
  CHECK(limits<std::int32_t>("i") == Texts{"-2147483648", "7", "2147483647"});
  CHECK(limits<std::uint32_t>("I") == Texts{"0", "7", "4294967295"});
  CHECK(limits<std::int64_t>("l") == Texts{"-9223372036854775808", "7", "9223372036854775807"});
  CHECK(limits<std::uint64_t>("L") == Texts{"0", "7", "18446744073709551615"});
}

TEST_CASE("texts of every layout become ids", "[io][arrow]") {
  const Texts values{"tea", "a text of more than twelve bytes", "na\xc3\xafve", "twelve bytes", "thirteen byte"};
  for (const char* format : {"u", "U", "z", "Z"}) CHECK(as_items(texts("", values, format)) == values);
  CHECK(as_items(views("", values)) == values);
}

TEST_CASE("dictionaries are looked up, with indices of any width", "[io][arrow]") {
  const Column names = texts("", {"never", "tea", "jam"});
  const Texts wanted{"jam", "tea", "jam"};
  CHECK(as_items(dictionary(numbers<std::int8_t>("", "c", {2, 1, 2}), names)) == wanted);
  CHECK(as_items(dictionary(numbers<std::uint16_t>("", "S", {2, 1, 2}), names)) == wanted);
  CHECK(as_items(dictionary(numbers<std::int32_t>("", "i", {2, 1, 2}), texts("", {"x", "tea", "jam"}, "U"))) == wanted);
  CHECK(as_items(dictionary(numbers<std::uint64_t>("", "L", {2, 1, 2}), views("", {"x", "tea", "jam"}))) == wanted);
  // Slices of the indices and of the dictionary are independent.
  CHECK(as_items(dictionary(numbers<std::int8_t>("", "c", {9, 1, 0, 1, 9}).slice(1, 3), names.slice(1, 2))) == wanted);
  CHECK(as_items(dictionary(numbers<std::int8_t>("", "c", {1, 0}), numbers<std::int64_t>("", "l", {40, 50}))) ==
        Texts{"50", "40"});
  CHECK(as_times(dictionary(numbers<std::int8_t>("", "c", {0, 0, 1}), numbers<std::int32_t>("", "tdD", {1, 2}))) ==
        Times{86400, 86400, 172800});

  const std::vector<Column> wrong{numbers<std::int8_t>("u", "c", {1, 1}),
                                  dictionary(numbers<std::int8_t>("i", "c", {1, 3}), names)};
  CHECK(error_of(wrong, ids) == "read_arrow: column \"i\", row 1: wanted an index into a dictionary of 3, got 3");
  const std::vector<Column> negative{numbers<std::int8_t>("u", "c", {1}),
                                     dictionary(numbers<std::uint64_t>("i", "L", {~std::uint64_t{0}}), names)};
  CHECK_THAT(error_of(negative, ids), Contains("an index into a dictionary of 3, got -1"));
}

TEST_CASE("timestamps of every unit, dates and numbers become times", "[io][arrow]") {
  using Values = std::vector<std::int64_t>;
  const std::int64_t at = 1'396'867'869;  // 2014-04-07 10:51:09
  CHECK(as_times(numbers("", "tss:", Values{at})) == Times{at});
  CHECK(as_times(numbers("", "tss:Europe/Berlin", Values{at})) == Times{at});  // a zone is for display
  CHECK(as_times(numbers("", "tsm:UTC", Values{1000 * at + 277})) == Times{1000 * at + 277});
  CHECK(as_times(numbers("", "tsu:", Values{1'000'000 * at + 999'999})) == Times{1'000'000 * at + 999'999});
  CHECK(as_times(numbers("", "tsn:", Values{1'000'000'000 * at})) == Times{at});
  CHECK(as_times(numbers("", "tsm:", Values{-1, -1000, -1001})) == Times{-1001, -1000, -1});
  CHECK(as_times(numbers("", "tdD", std::vector<std::int32_t>{16167, -1})) == Times{-86400, 16167 * 86400});
  CHECK(as_times(numbers("", "tdm", Values{86'400'000})) == Times{86400});
  CHECK(as_times(numbers("", "s", std::vector<std::int16_t>{-5, 5})) == Times{-5, 5});
  CHECK(as_times(numbers("", "L", std::vector<std::uint64_t>{5})) == Times{5});
  CHECK(as_times(numbers("", "g", std::vector<double>{1398765432.25, 0.5})) == Times{50, 139876543225});
  CHECK(as_times(numbers("", "f", std::vector<float>{-0.5F})) == Times{-5});
  CHECK(as_times(texts("", {"12", " 13 "})) == Times{12, 13});

  const auto time_error = [](const Column& column) {
    return error_of(
        std::vector{numbers<std::int8_t>("u", "c", {1}), numbers<std::int8_t>("i", "c", {1}), column.named("t")},
        timed);
  };
  const std::vector<std::int8_t> two{1, 1};
  CHECK_THAT(
      error_of(std::vector{numbers("u", "c", two), numbers("i", "c", two), texts("t", {"12", "2014-04-07"})}, timed),
      Contains("column \"t\", row 1: the times before were numbers, got \"2014-04-07\""));
  CHECK_THAT(time_error(texts("", {"soon"})), Contains("read_arrow: column \"t\", row 0: wanted a time ("));
  CHECK_THAT(time_error(numbers("", "L", std::vector<std::uint64_t>{~std::uint64_t{0}})),
             Contains("does not fit 64 bits"));
  CHECK_THAT(time_error(numbers("", "g", std::vector<double>{1e300})), Contains("does not fit 64 bits"));
  CHECK_THAT(time_error(numbers("", "g", std::vector<double>{std::numeric_limits<double>::quiet_NaN()})),
             Contains("wanted a finite number, got "));
}

TEST_CASE("integers and floating-point numbers become ratings", "[io][arrow]") {
  using Ratings = std::vector<float>;
  CHECK(as_ratings(numbers("", "f", std::vector<float>{0.5F, -1})) == Ratings{0.5F, -1});
  CHECK(as_ratings(numbers("", "g", std::vector<double>{0.1})) == Ratings{0.1F});
  CHECK(as_ratings(numbers("", "c", std::vector<std::int8_t>{-3, 5})) == Ratings{-3, 5});
  CHECK(as_ratings(numbers("", "L", std::vector<std::uint64_t>{1ULL << 63})) == Ratings{0x1p63F});
  for (const double wrong : {1e300, -1e300, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THAT(error_of(std::vector{numbers<std::int8_t>("u", "c", {1}), numbers<std::int8_t>("i", "c", {1}),
                                    numbers("r", "g", std::vector<double>{wrong})},
                        rated),
               Contains("column \"r\", row 0: wanted a finite rating, got "));
  }
}

TEST_CASE("slices of a table and of its columns add up", "[io][arrow]") {
  const Column users = numbers<std::int64_t>("u", "l", {9, 9, 1, 1, 1, 9});
  const Column items = texts("i", {"x", "x", "x", "a", "b", "c", "x"});
  // The columns begin at their offsets, the table one row later.
  ArrowSchema schema{};
  ArrowArray batch{};
  give(&schema, {users, items}, rows(0));
  give(&batch, {users.slice(1, 5), items.slice(2, 5)}, rows(100).slice(1, 3));
  const Interactions log = read_arrow(schema, batch, ids);
  CHECK(held == 0);
  CHECK(log.num_users() == 1);
  CHECK(items_of(log) == Texts{"a", "b", "c"});

  CHECK(as_items(views("", {"x", "a text of more than twelve bytes", "b", "x"}).slice(1, 2)) ==
        Texts{"a text of more than twelve bytes", "b"});
  CHECK(as_times(numbers<std::int64_t>("", "tsm:", {7, 5000, 6000}).slice(1, 2)) == Times{5, 6});
}

TEST_CASE("several batches are one log, and empty ones are nothing", "[io][arrow]") {
  const auto batch = [](const Column& users, const Texts& items) { return std::vector{users, texts("i", items)}; };
  const Column names = texts("", {"ann", "bob"}), others = texts("", {"bob", "cat", "ann"});
  const auto indices = [](const std::vector<std::int8_t>& at) { return numbers("u", "c", at); };
  Stream stream{.batches = {batch(dictionary(indices({0, 1}), names), {"a", "b"}),
                            batch(dictionary(indices({}), texts("", {})), {}),
                            batch(dictionary(indices({2, 0, 1}), others), {"c", "d", "e"})}};
  ReadReport report;
  const Interactions log = read(stream, ids, &report);
  CHECK(log.num_users() == 3);
  CHECK(items_of(log) == Texts{"a", "c"});
  CHECK(log.size() == 5);
  CHECK(report.lines == 5);

  // Rows of errors are counted over all batches.
  stream.batches[2][1] = stream.batches[2][1].nulls({1});
  CHECK(error_of(stream, ids) == "read_arrow: column \"i\", row 3: it is null");
}

TEST_CASE("a null is an error with the name of its column", "[io][arrow]") {
  const std::vector<std::int8_t> ten{1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
  const ArrowOptions all{.user = "u", .item = "i", .time = "t", .rating = "r", .kind = "k"};
  for (std::size_t column = 0; column < 5; ++column) {
    for (const bool counted : {true, false}) {
      std::vector<Column> columns{numbers("u", "c", ten), numbers("i", "c", ten), numbers("t", "c", ten),
                                  numbers("r", "c", ten), numbers("k", "c", ten)};
      columns[column] = columns[column].nulls({}, counted);
      CHECK(read(columns, all).size() == 10);
      columns[column] = columns[column].nulls({9}, counted);
      CHECK(error_of(columns, all) == "read_arrow: column \"" + columns[column].name + "\", row 9: it is null");
      for (Column& sliced : columns) sliced = sliced.slice(1, 9);  // the bitmap is sliced, too
      CHECK_THAT(error_of(columns, all), Contains("row 8: it is null"));
      for (Column& sliced : columns) sliced = sliced.slice(0, 8);
      CHECK(read(columns, all).size() == 8);
    }
  }
  const auto item_error = [](const Column& column) {
    return error_of(std::vector{numbers<std::int8_t>("u", "c", {1, 1}), column.named("i")}, ids);
  };
  // A null in a dictionary, a null index, whose value is anything, and an empty text.
  const Column names = texts("", {"tea", ""});
  CHECK_THAT(item_error(dictionary(numbers<std::int8_t>("", "c", {0, 1}), names.nulls({1}))),
             Contains("row 1: it is null"));
  CHECK_THAT(item_error(dictionary(numbers<std::int8_t>("", "c", {0, 99}).nulls({1}), names)),
             Contains("row 1: it is null"));
  CHECK_THAT(item_error(dictionary(numbers<std::int8_t>("", "c", {0, 1}), names)),
             Contains("row 1: it is an empty text"));
  CHECK_THAT(item_error(texts("", {"tea", "  "})), Contains("row 1: it is an empty text"));
  CHECK_THAT(item_error(texts("", {"tea", ""})), Contains("column \"i\", row 1: it is an empty text"));

  // A row of the table that is null as a whole.
  ArrowSchema schema{};
  ArrowArray batch{};
  const std::vector<Column> columns{numbers("u", "c", ten), numbers("i", "c", ten)};
  give(&schema, columns, rows(0));
  give(&batch, columns, rows(10).nulls({4}));
  CHECK_THROWS_WITH(read_arrow(schema, batch, ids), "read_arrow: column \"u\", row 4: it is null");
  CHECK(held == 0);
}

TEST_CASE("rows without a user are left out on request, and counted", "[io][arrow]") {
  ArrowOptions options = ids;
  options.missing_user = heed::data::MissingUser::skip;
  ReadReport report;
  const std::vector<Column> columns{texts("u", {"ann", "lost", "", "ann"}).nulls({1}),
                                    texts("i", {"a", "b", "c", "d"}).nulls({1})};
  CHECK(items_of(read(columns, options, &report)) == Texts{"a", "d"});
  CHECK(report.lines == 4);
  CHECK(report.skipped_lines == 2);
  CHECK(report.skipped[0].first == "column \"u\", row 1: it is null or an empty text");
  CHECK(error_of(columns, ids) == "read_arrow: column \"u\", row 1: it is null");
  // All other nulls are still errors, and so is a log of which nothing is left.
  CHECK(error_of(std::vector{columns[0], texts("i", {"a", "b", "c", "d"}).nulls({3})}, options) ==
        "read_arrow: column \"i\", row 3: it is null");
  CHECK(error_of(std::vector{columns[0].slice(1, 2), columns[1].slice(1, 2)}, options) ==
        "read_arrow: no interactions in the table: 2 rows, 2 without a user");
}

TEST_CASE("texts that programs write for no user are none, unless they are kept", "[io][arrow]") {
  const std::vector<Column> columns{texts("u", {"ann", "nan", "None"}), texts("i", {"a", "b", "c"})};
  CHECK_THAT(error_of(columns, ids), Contains("column \"u\", row 1: it is \"nan\", no user: "));
  ArrowOptions options = ids;
  ReadReport report;
  options.missing_user = heed::data::MissingUser::skip;
  CHECK(read(columns, options, &report).num_users() == 1);
  CHECK(report.skipped_lines == 2);
  CHECK(report.skipped[0].first == "column \"u\", row 1: it is \"nan\"");
  options.missing_user = heed::data::MissingUser::keep;
  CHECK(read(columns, options).num_users() == 3);
  CHECK_THAT(error_of(std::vector{columns[0].nulls({2}), columns[1]}, options), Contains("row 2: it is null"));
}

TEST_CASE("errors of columns name the column, the wanted and the found type", "[io][arrow]") {
  const Column users = numbers<std::int8_t>("u", "c", {1}), items = texts("i", {"a"});
  const auto wrong = [&](const Column& column, ArrowOptions options = ids) {
    return error_of(std::vector{column, items, users.named("u2")}, options);
  };
  const std::string start = "read_arrow: column \"u\": wanted integers, texts or a dictionary of these, got ";
  CHECK(wrong(numbers<double>("u", "g", {19})) == start + "float64 (\"g\")");
  CHECK(wrong(numbers<char>("u", "b", {1})) == start + "bool (\"b\")");
  CHECK(wrong(numbers<std::int64_t>("u", "d:19,0", {1, 0})) == start + "decimal (\"d:19,0\")");
  CHECK(wrong(numbers<std::int64_t>("u", "tsu:UTC", {1})) == start + "timestamp[us] (\"tsu:UTC\")");
  CHECK(wrong(numbers<char>("u", "??\x1b", {1})) == start + "the format \"??\\x1b\"");
  CHECK(wrong(dictionary(users, numbers<float>("", "f", {1}))) == start + "a dictionary of float32 (\"f\")");
  CHECK(wrong(dictionary(users, dictionary(users, items))) == start + "a dictionary of a dictionary of string (\"u\")");

  const std::vector<Column> both{users, items};
  CHECK(error_of(both, ArrowOptions{.user = "u", .item = "i", .rating = "i"}) ==
        "read_arrow: column \"i\": wanted numbers or a dictionary of these, got string (\"u\")");
  CHECK(
      error_of(std::vector{users, numbers<char>("i", "b", {1})}, ArrowOptions{.user = "u", .item = "u", .time = "i"}) ==
      "read_arrow: column \"i\": wanted timestamps, dates, numbers, texts or a dictionary of these, got bool (\"b\")");
  CHECK(error_of(both, ArrowOptions{.user = "u", .item = "item"}) ==
        "read_arrow: column \"item\": there is no such column; the columns are \"u\", \"i\"");
  CHECK(error_of(std::vector{users, items, items}, ids) ==
        "read_arrow: column \"i\": wanted one column of this name, got more");
  CHECK(error_of(std::vector{users, texts("i", {"\xff"})}, ids) ==
        "read_arrow: column \"i\", row 0: wanted an id in UTF-8, got \"\\xff\"");
  CHECK_THROWS_AS(read(both, {.user = "", .item = "i"}), heed::OptionError);
  CHECK_THROWS_AS(read(both, {.user = "u", .item = ""}), heed::OptionError);
  CHECK_THAT(error_of(std::vector{users.slice(0, 0), items.slice(0, 0)}, ids), Contains("no interactions"));
}

TEST_CASE("what is wrong in a batch is an error where it can be seen", "[io][arrow]") {
  const Column users = numbers<std::int8_t>("u", "c", {1, 1}), items = texts("i", {"a", "b"});
  const auto wrong = [&](const Column& column) { return error_of(std::vector{users, column}, ids); };
  CHECK(wrong(items.slice(0, 1)) == "read_arrow: column \"i\": wanted 0 + 2 rows, got 1");
  Column changed = items;
  changed.buffers.pop_back();
  CHECK_THAT(wrong(changed), Contains("column \"i\": wanted 3 buffers, got 2"));
  changed = items;
  changed.null_count = 1;
  CHECK_THAT(wrong(changed), Contains("wanted a bitmap of 1 nulls, got none"));
  changed = items;
  changed.offset = -1;
  CHECK_THAT(wrong(changed), Contains("wanted rows, got 2 from row -1"));
  changed = items;
  changed.buffers[1][8] = 0;  // the end of the second text
  CHECK_THAT(wrong(changed), Contains("column \"i\", row 1: wanted increasing offsets, got 1 and 0"));
  changed = views("i", {"a text of more than twelve bytes", "another of more than twelve"});
  changed.buffers[1][16 + 12] = 1;  // one byte beyond the end
  CHECK_THAT(wrong(changed), Contains("row 1: wanted a text in one of 2 buffers, got 27 bytes from 1 of buffer 1"));
  changed.buffers[1][8] = 2;
  CHECK_THAT(wrong(changed), Contains("row 0: wanted a text in one of 2 buffers, got 32 bytes from 0 of buffer 2"));

  Stream stream{.batches = {{users, items}, {users}}};
  CHECK(error_of(stream, ids) == "read_arrow: wanted batches of 2 columns, got 1");
  ArrowSchema schema{};
  ArrowArray batch{};
  give(&schema, users);
  give(&batch, users);
  CHECK_THROWS_WITH(read_arrow(schema, batch, ids), "read_arrow: wanted a table, struct (\"+s\"), got int8 (\"c\")");
  for (const Column& text : {texts("i", {"a", "b"}), views("i", {"a text of more than twelve bytes", "b"})}) {
    give(&schema, {users, text}, rows(0));
    give(&batch, {users, text}, rows(2));
    batch.children[1]->buffers[2] = nullptr;
    CHECK_THROWS_WITH(read_arrow(schema, batch, ids), Contains("column \"i\", row 0: wanted a"));
  }
  give(&schema, {users, items}, rows(0));
  give(&batch, {users, items}, rows(2));
  schema.children[1]->format = nullptr;
  CHECK_THROWS_WITH(read_arrow(schema, batch, ids), "read_arrow: column \"i\": wanted a format, got none");
  CHECK(held == 0);
}

TEST_CASE("errors of a stream are passed on, and what it gave is released", "[io][arrow]") {
  const std::vector<Column> columns{numbers<std::int8_t>("u", "c", {1}), texts("i", {"a"})};
  Stream stream{.batches = {columns, columns}};
  stream.fails_at = 0;
  CHECK(error_of(stream, ids) == "read_arrow: the stream gave no schema: the disk is on fire");
  for (const int batch : {1, 2, 3}) {
    stream.fails_at = batch;
    CHECK(error_of(stream, ids) == "read_arrow: the stream gave no batch: the disk is on fire");
  }
  stream.error = nullptr;
  CHECK_THAT(error_of(stream, ids), Contains(std::strerror(5)));
  stream.error = "red \x1b[31m";
  CHECK_THAT(error_of(stream, ids), Contains("red \\x1b[31m"));

  ArrowArrayStream released{};
  CHECK_THROWS_WITH(read_arrow(released, ids), "read_arrow: wanted a stream, got a released one");
  ArrowSchema schema{};
  ArrowArray batch{};
  give(&schema, columns, rows(0));
  CHECK_THROWS_WITH(read_arrow(schema, batch, ids), "read_arrow: wanted a schema and an array, got a released one");
  CHECK(schema.release == nullptr);
  give(&batch, columns, rows(1));
  CHECK_THROWS_AS(read_arrow(schema, batch, ids), IoError);
  CHECK(batch.release == nullptr);
  CHECK(held == 0);
}

}  // namespace HEED_TEST_UNIT
