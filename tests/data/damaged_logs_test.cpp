// SPDX-License-Identifier: Apache-2.0
// Every reader on truncated, changed and random input: a log, or an IoError that names the line and is printable.
#include <catch2/catch.hpp>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/core/printable.hpp"
#include "heed/core/random.hpp"
#include "heed/data/read_baskets.hpp"
#include "heed/data/read_delimited.hpp"
#include "heed/data/read_items.hpp"
#include "heed/data/read_movielens.hpp"
#include "heed/data/read_user_item.hpp"

namespace HEED_TEST_UNIT {

using heed::Random;
using namespace heed::data;

namespace {

struct Reader {
  std::string name;
  std::string text;
  std::function<void(LineReader, const ReadOptions&)> read;
};

std::vector<Reader> readers() {
  const auto log = [](auto read) {
    return [=](LineReader lines, const ReadOptions& options) { read(std::move(lines), options, nullptr); };
  };
  const auto table = [](auto read) {
    return [=](LineReader lines, const ReadOptions& options) {
      std::istringstream in("user_id\titem_id\n1\ta\n1\tb\n");
      Interactions items = read_delimited({in, "items"}, {.delimiter = "\t"});
      read(std::move(lines), items, options);
    };
  };
  return {
      {"read_baskets", "ann\t10\tx y z\nann\t20\tx\nbob\t-7\tq\n", log(read_baskets)},
      {"read_user_item", "1 10\n1 11 12\r\n2\t10\n", log(read_user_item)},
      {"read_movielens", "196\t242\t3\t881250949\n186\t302\t3.5\t891717742\n", log(read_movielens)},
      {"read_movielens", "1::1193::5::978300760\n1::661::3::978302109\n", log(read_movielens)},
      {"read_movielens", "userId,movieId,rating,timestamp\n1,2,3.5,1112486027\n1,29,3,1\n", log(read_movielens)},
      {"read_recbole", "user_id:token\titem_id:token\ttimestamp:float\n1\t5\t8812.5\n2\t5\t1\n", log(read_recbole)},
      {"read_delimited", "user_id,item_id,time,stars\n1,\"a \"\"b\"\"\",10,4\n\"2\n\",\"c,\",20,4.5\n",
       [](LineReader lines, const ReadOptions& options) {
         read_delimited(std::move(lines), {.time = "time", .rating = "stars"}, options);
       }},
      {"read_items", "item_id\tdescription\ta\nb\tBREAD\tx\na\tAPPLE\ty\n",
       table([](LineReader lines, Interactions& items, const ReadOptions& options) {
         read_items(std::move(lines), items, {.feature = "a"}, options);
       })},
  };
}

/// Returns whether `text` was read; an error must be an IoError that names the operation, the file and the line.
bool reads(const Reader& reader, const std::string& text, const ReadOptions& options = {}) {
  std::istringstream in(text);
  try {
    reader.read({in, "log"}, options);
    return true;
  } catch (const heed::IoError& error) {
    const std::string what = error.what();
    const bool whole_file =
        what.ends_with("the file is empty") || what.find("no interactions in the file") != std::string::npos;
    const bool binary = what.starts_with("read: log: wanted text, got ");
    const auto starts = [&](const std::string& start) { return what.starts_with(start); };
    if (!binary && !starts(reader.name + (whole_file ? ": log: " : ": log:"))) FAIL("not located: " << what);
    std::string unescaped = what;  // printable doubles the backslashes of its own escapes
    for (char& c : unescaped) c = c == '\\' ? '/' : c;
    if (heed::printable(unescaped, std::string::npos) != unescaped) FAIL("not printable: " << what);
    return false;
  }
}

}  // namespace

TEST_CASE("damaged logs: a log cut anywhere is read or refused with its line", "[data]") {
  for (const Reader& reader : readers()) {
    CAPTURE(reader.name);
    CHECK(reads(reader, reader.text));
    for (std::size_t kept = 0; kept < reader.text.size(); ++kept) reads(reader, reader.text.substr(0, kept));
    CHECK_FALSE(reads(reader, ""));
  }
}

TEST_CASE("damaged logs: any byte may be changed, inserted or repeated", "[data]") {
  const Random random(14);
  // What means something to a reader, to a terminal or in UTF-8.
  constexpr std::string_view special{"\0\t\n\r \"\",:\\-+.e0\x1b\x1f\x8b\x7f\x9b\xc2\xe2\xef\xff", 24};
  for (const Reader& reader : readers()) {
    CAPTURE(reader.name);
    const auto size = static_cast<heed::Index>(reader.text.size());
    for (std::uint64_t i = 0; i < 300; ++i) {
      const Random draw = random.fork(i);
      std::string text = reader.text;
      for (std::uint64_t change = 0; change <= i % 5; ++change) {
        const auto at = static_cast<std::size_t>(draw.below(4 * change, size));
        const char c = special[static_cast<std::size_t>(draw.below(4 * change + 1, std::ssize(special)))];
        const auto times = static_cast<std::size_t>(draw.below(4 * change + 2, 50));
        draw.below(4 * change + 3, 2) == 0 ? text.insert(at, times, c) : text.replace(at, 1, 1, c);
      }
      reads(reader, text);
      reads(reader, text, {.skip_bad_lines = true});
    }
  }
}

TEST_CASE("damaged logs: random bytes are read or refused with their line", "[data]") {
  const Random random(15);
  for (const Reader& reader : readers()) {
    CAPTURE(reader.name);
    for (std::uint64_t i = 0; i < 100; ++i) {
      const Random draw = random.fork(i);
      std::string text(static_cast<std::size_t>(draw.below(0, 300)), ' ');
      for (std::size_t j = 0; j < text.size(); ++j) text[j] = static_cast<char>(draw.below(j + 1, 256));
      // Behind a header, the bytes are rows.
      reads(reader, text);
      reads(reader, reader.text.substr(0, reader.text.find('\n') + 1) + text);
    }
  }
}

}  // namespace HEED_TEST_UNIT
