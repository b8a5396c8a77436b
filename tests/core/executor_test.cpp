// SPDX-License-Identifier: Apache-2.0
#include "heed/core/executor.hpp"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed;

/// Runs the last chunk first.
class Backwards : public Executor {
 public:
  int threads() const noexcept override { return 2; }

 protected:
  void dispatch(Index chunks, Function function, void* argument) override {
    for (Index i = chunks; i-- > 0;) function(argument, i, static_cast<int>(i % 2));
  }
};

TEST_CASE("the serial executor runs every chunk once, in order, as worker 0") {
  Executor executor;
  CHECK(executor.threads() == 1);
  for (const Index chunks : {-1, 0, 1, 2, 7}) {
    std::vector<Index> seen;
    executor.run(chunks, [&](Index i, int worker) {
      seen.push_back(i);
      CHECK(worker == 0);
    });
    REQUIRE(seen.size() == static_cast<std::size_t>(chunks < 0 ? 0 : chunks));
    for (std::size_t i = 0; i < seen.size(); ++i) CHECK(seen[i] == static_cast<Index>(i));
  }
}

TEST_CASE("ranges cover all elements once and depend on the size only") {
  Backwards backwards;
  Executor serial;
  for (const Index size : {0, 1, 9, 10, 11, 35}) {
    for (Executor* executor : {&serial, static_cast<Executor*>(&backwards)}) {
      std::vector<int> hits(static_cast<std::size_t>(size));
      executor->run_ranges(size, 10, [&](Index begin, Index end, int worker) {
        CHECK((worker >= 0 && worker < executor->threads()));
        CHECK(begin % 10 == 0);
        CHECK((end == size || end == begin + 10));
        for (Index i = begin; i < end; ++i) ++hits[static_cast<std::size_t>(i)];
      });
      for (const int hit : hits) CHECK(hit == 1);
    }
  }
}

TEST_CASE("a user-defined executor receives the chunks, also of a temporary or const function") {
  Backwards executor;
  std::vector<std::pair<Index, int>> seen;
  const auto chunk = [&](Index i, int worker) { seen.emplace_back(i, worker); };
  executor.run(3, chunk);
  CHECK(seen == std::vector<std::pair<Index, int>>{{2, 0}, {1, 1}, {0, 0}});
  Index sum = 0;
  executor.run(4, [&, calls = 0](Index i, int) mutable {
    ++calls;
    sum += 10 * i + calls;
  });
  CHECK(sum == 60 + 10);
}

}  // namespace HEED_TEST_UNIT
