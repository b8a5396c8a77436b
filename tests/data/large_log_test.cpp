// SPDX-License-Identifier: Apache-2.0
// A large log is held in memory once: 10 million interactions, from the text of a file to batches, in less than 1 GB.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <charconv>
#include <istream>
#include <streambuf>

#include "heed/core/random.hpp"
#include "heed/data/batch.hpp"
#include "heed/data/read_delimited.hpp"
#include "heed/data/split.hpp"
#include "heed/data/token_batches.hpp"
#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::data;
using heed::Index;

namespace {

constexpr Index events = 10'000'000, users = 300'000, items = 50'000;

/// The text of a log, generated while it is read.
class Rows : public std::streambuf {
 public:
  Rows() { fill(std::copy_n("user,item,time,rating,kind\n", 27, buffer_.data())); }

 protected:
  int_type underflow() override {
    char* to = buffer_.data();
    for (; to < buffer_.data() + buffer_.size() - 100 && row_ < events; ++row_) {
      const auto words = random_.words(static_cast<std::uint64_t>(row_));
      to = put(to, 1'000'000 + words[0] % users, ',');
      to = put(to, 20'000 + words[1] % items, ',');
      to = put(to, 1'500'000'000 + words[2] % 100'000'000, ',');
      to = put(to, 1 + words[3] % 5, ',');
      to = std::copy_n(words[3] % 7 == 0 ? "bought\n" : "viewed\n", 7, to);
    }
    fill(to);
    return gptr() == egptr() ? traits_type::eof() : traits_type::to_int_type(*gptr());
  }

 private:
  void fill(char* end) { setg(buffer_.data(), buffer_.data(), end); }
  char* put(char* to, std::uint64_t number, char after) {
    to = std::to_chars(to, to + 24, number).ptr;
    *to = after;
    return to + 1;
  }

  heed::Random random_{1};
  Index row_ = 0;
  std::array<char, 1 << 16> buffer_;
};

}  // namespace

TEST_CASE("10 million interactions in less than 1 GB", "[data][large]") {
  if (!heed::test::allocations_counted) return;
  const std::size_t before = heed::test::held_bytes();
  heed::test::restart_peak();
  Rows rows;
  std::istream in(&rows);
  const Interactions log = read_delimited(
      {in, "large"}, {.user = "user", .item = "item", .time = "time", .rating = "rating", .kind = "kind"});
  REQUIRE(log.size() == events);
  CHECK(log.num_users() == users);
  CHECK(log.num_items() == items);
  // 20 bytes per event are kept. Temporarily there are 24, in vectors that may be half empty.
  CHECK(heed::test::held_bytes() - before < 230'000'000);
  CHECK(heed::test::peak_bytes() - before < 500'000'000);

  const Split split =
      split_by_time(log, {.validation_time = time_quantile(log, 0.9), .test_time = time_quantile(log, 0.95)});
  const auto examples = next_basket_examples(log, split, 50);
  CHECK(examples.size() > 8'000'000);
  auto order = examples;  // as in a training epoch
  CHECK(batches_by_tokens(order, {}, heed::Random(1)).size() > 10'000);
  CHECK(heed::test::peak_bytes() - before < 1'000'000'000);
}

}  // namespace HEED_TEST_UNIT
