// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/detail/run_with_scratch.hpp"

#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "support/backwards.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("chunks share a scratch buffer if they run on the same worker and not otherwise") {
  test::Backwards executor;
  Tape<double> tape({.executor = &executor});
  std::set<double*> buffers;
  std::vector<Index> order;
  detail::run_with_scratch(tape, 5, 100, [&](Index i, double* scratch) {
    std::fill_n(scratch, 100, static_cast<double>(i));
    buffers.insert(scratch);
    order.push_back(i);
  });
  CHECK(order.size() == 5);
  CHECK(order.front() == 4);
  REQUIRE(static_cast<int>(buffers.size()) == executor.threads());
  for (double* const buffer : buffers) CHECK((buffer == *buffers.begin() || buffer - *buffers.begin() >= 100));
}

TEST_CASE("chunks in order run one after the other with one scratch buffer") {
  test::Backwards executor;
  Tape<float> tape({.executor = &executor});
  std::set<float*> buffers;
  std::vector<Index> order;
  const auto note = [&](Index i, float* scratch) {
    buffers.insert(scratch);
    order.push_back(i);
  };
  detail::run_with_scratch(tape, 3, 8, note, true);
  CHECK(order == std::vector<Index>{0, 1, 2});
  CHECK(buffers.size() == 1);
  detail::run_with_scratch(tape, 0, 8, note);
  CHECK(order.size() == 3);
}

}  // namespace HEED_TEST_UNIT
