// SPDX-License-Identifier: Apache-2.0
#include "heed/data/token_batches.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <tuple>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed::data;
using heed::Index;
using heed::Random;

namespace {

std::vector<Example> random_examples(Random random, Index count, Index longest) {
  std::vector<Example> out;
  for (Index i = 0; i < count; ++i) {
    const Index length = random.below(static_cast<std::uint64_t>(i), longest + 1);
    out.push_back({.user = static_cast<Id>(i), .begin = 2, .end = 2 + length, .target_end = 3 + length});
  }
  return out;
}
Index tokens(const Example& example) { return std::max<Index>(1, example.end - example.begin); }
std::vector<Example> by_user(std::vector<Example> examples) {
  std::sort(examples.begin(), examples.end(), [](const auto& a, const auto& b) { return a.user < b.user; });
  return examples;
}

}  // namespace

TEST_CASE("batches have every example once, within the token limit, and similar lengths", "[data][token_batches]") {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const Random random(seed);
    const auto examples = random_examples(random.fork("log"), random.below(0, 300), random.below(1, 90));
    const TokenBatchOptions options{.max_tokens = 1 + random.below(2, 200), .bucket = 1 + random.below(3, 20)};
    auto order = examples;
    auto batches = batches_by_tokens(order, options, random);
    CHECK(by_user(order) == examples);
    // In the order of examples the ranges are contiguous, and the length buckets increase.
    std::sort(batches.begin(), batches.end(), [](const auto& a, const auto& b) { return a.begin < b.begin; });
    Index end = 0;
    for (std::size_t b = 0; b < batches.size(); ++b) {
      CHECK(batches[b].begin == end);
      end = batches[b].end;
      Index sum = 0;
      for (Index i = batches[b].begin; i < end; ++i) sum += tokens(order[static_cast<std::size_t>(i)]);
      CHECK((sum <= options.max_tokens || end - batches[b].begin == 1));
      // The batch is full: the next example does not fit.
      if (b + 1 < batches.size()) CHECK(sum + tokens(order[static_cast<std::size_t>(end)]) > options.max_tokens);
    }
    CHECK(end == static_cast<Index>(order.size()));
    CHECK(std::is_sorted(order.begin(), order.end(), [&](const auto& a, const auto& b) {
      return (tokens(a) - 1) / options.bucket < (tokens(b) - 1) / options.bucket;
    }));
  }
}

TEST_CASE("the seed determines the batches and their order", "[data][token_batches]") {
  const auto examples = random_examples(Random(1), 500, 60);
  const TokenBatchOptions options{.max_tokens = 200, .bucket = 10};
  const auto draw = [&](std::uint64_t seed) {
    auto order = examples;
    auto batches = batches_by_tokens(order, options, Random(seed));
    return std::pair(order, batches);
  };
  CHECK(draw(1) == draw(1));
  const auto [order, batches] = draw(1);
  const auto [other_order, other_batches] = draw(2);
  CHECK(order != other_order);
  CHECK(batches != other_batches);
  const auto begins_before = [](const auto& a, const auto& b) { return a.begin < b.begin; };
  CHECK_FALSE(std::is_sorted(batches.begin(), batches.end(), begins_before));
  // Every order of three similar examples occurs about equally often.
  std::vector<int> seen(27);
  for (std::uint64_t seed = 0; seed < 600; ++seed) {
    std::vector<Example> three = {{0, 0, 5, 6}, {1, 0, 5, 6}, {2, 0, 5, 6}};
    batches_by_tokens(three, {}, Random(seed));
    ++seen[static_cast<std::size_t>(three[0].user * 9 + three[1].user * 3 + three[2].user)];
  }
  CHECK(std::count_if(seen.begin(), seen.end(), [](int n) { return n > 70 && n < 130; }) == 6);
}

TEST_CASE("batches without examples, of long examples and of empty histories", "[data][token_batches]") {
  std::vector<Example> none;
  CHECK(batches_by_tokens(none, {}, Random(1)).empty());
  CHECK(BatchRange{} == BatchRange{.begin = 0, .end = 0});
  std::vector<Example> some = {{0, 0, 50, 51}, {1, 0, 0, 1}, {2, 0, 3, 4}, {3, 0, 70, 71}, {4, 0, 0, 1}};
  const auto batches = batches_by_tokens(some, {.max_tokens = 4, .bucket = 1}, Random(1));
  CHECK(batches.size() == 4);  // the two empty ones, the short one, and each of the long ones
  CHECK_THROWS_AS(batches_by_tokens(some, {.max_tokens = 0}, Random(1)), heed::OptionError);
  CHECK_THROWS_AS(batches_by_tokens(some, {.bucket = 0}, Random(1)), heed::OptionError);
}

}  // namespace HEED_TEST_UNIT
