// SPDX-License-Identifier: Apache-2.0
#include "heed/openmp.hpp"

#include <atomic>
#include <catch2/catch.hpp>
#include <vector>

#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using heed::Index;
using heed::OpenMpExecutor;

TEST_CASE("every chunk runs once, no worker runs two at a time") {
  for (const int threads : {1, 2, 4}) {
    OpenMpExecutor executor(threads);
    CHECK(executor.threads() == threads);
    for (const Index chunks : {0, 1, 2, 3, 100}) {
      std::vector<std::atomic<int>> runs(static_cast<std::size_t>(chunks)), busy(static_cast<std::size_t>(threads));
      std::atomic<bool> shared{false};
      executor.run(chunks, [&](Index i, int worker) {
        auto& mine = busy.at(static_cast<std::size_t>(worker));
        if (mine.exchange(1) != 0) shared = true;
        ++runs.at(static_cast<std::size_t>(i));
        mine = 0;
      });
      CHECK(!shared);
      for (const auto& count : runs) CHECK(count == 1);
    }
  }
}

TEST_CASE("0 threads are as many as OpenMP would take, fewer are an error") {
  CHECK(OpenMpExecutor().threads() == omp_get_max_threads());
  CHECK_THROWS_AS(OpenMpExecutor(-1), heed::OptionError);
}

TEST_CASE("running chunks, once warm, allocates nothing") {
  for (const int threads : {1, 2}) {
    OpenMpExecutor executor(threads);
    std::atomic<Index> sum{0};
    const auto run = [&] { executor.run(50, [&](Index i, int) { sum += i; }); };
    CHECK(heed::test::warm_allocations(run) == 0);
    CHECK(sum == 3 * 1225);
  }
}

}  // namespace HEED_TEST_UNIT
