// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/item_sampler.hpp"

#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::ItemSampler;
using test::error_of;

constexpr Index counts[] = {100, 0, 1, 40, 7, 400, 2, 1};

TEST_CASE("items are sampled in proportion to their counts to the power of alpha") {
  for (const double alpha : {0.0, 0.75, 1.0, -1.0}) {
    INFO("alpha " << alpha);
    const ItemSampler sampler(counts, alpha);
    constexpr std::uint64_t draws = 200000;
    double drawn[std::size(counts)] = {}, total = 0;
    for (std::uint64_t i = 0; i < draws; ++i) drawn[sampler(Random(3), i)] += 1;
    for (const Index count : counts) total += std::pow(std::max<Index>(1, count), alpha);
    for (std::size_t i = 0; i < std::size(counts); ++i) {
      const double p = std::pow(std::max<Index>(1, counts[i]), alpha) / total;
      CHECK(std::exp(sampler.log_probabilities()[i]) == Approx(p).epsilon(1e-12));
      CHECK(std::abs(drawn[i] / draws - p) < 5 * std::sqrt(p / draws));
    }
  }
}

TEST_CASE("ItemSampler with very large counts, and with one item") {
  const Index large[] = {Index{1} << 60, Index{1} << 60}, one[] = {0};
  CHECK(ItemSampler(large, 1).log_probabilities()[1] == Approx(std::log(0.5)));
  CHECK(ItemSampler(large, 20).log_probabilities()[1] == Approx(std::log(0.5)));
  CHECK(ItemSampler(one, 1)(Random(1), 5) == 0);
  std::vector<Index> many(10000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = static_cast<Index>(10000 / (i + 1));
  const ItemSampler sampler(many, 1);
  for (std::uint64_t i = 0; i < 10000; ++i) {
    const Index item = sampler(Random(2), i);
    REQUIRE((item >= 0 && item < sampler.num_items()));
  }
}

TEST_CASE("ItemSampler rejects invalid arguments") {
  const Index negative[] = {1, -1};
  CHECK(error_of<OptionError>([&] { ItemSampler(negative, 1); }) == "ItemSampler: item 1 has count -1");
  CHECK(error_of<OptionError>([&] { ItemSampler({}, 1); }) == "ItemSampler: 0 items, alpha 1.000000");
  CHECK(error_of<OptionError>([&] { ItemSampler(counts, NAN); }) == "ItemSampler: 8 items, alpha nan");
}

}  // namespace HEED_TEST_UNIT
