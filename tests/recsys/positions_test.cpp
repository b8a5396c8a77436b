// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/positions.hpp"

#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::Positions;

TEST_CASE("Positions: positions count from the start of each sequence") {
  Positions<double> positions({.max_length = 4, .embed_dim = 3});
  nn::initialize(positions, Random(1));
  CHECK(test::names(positions) == std::vector<std::string>{"weight"});
  CHECK(test::largest(positions.table.weight) < 5 * 0.02);
  const Segments segments(std::vector<Index>{2, 0, 4});
  const auto x = test::normal<double>({6, 3});
  Tape<double> tape;
  const auto out = positions(tape.constant(x), segments).value();
  const Index place[] = {0, 1, 0, 1, 2, 3};
  for (Index t = 0; t < 6; ++t) {
    for (Index j = 0; j < 3; ++j) CHECK(out(t, j) == x(t, j) + positions.table.weight.value()(place[t], j));
  }
  CHECK(test::error_of<ShapeError>([&] {
          positions(tape.constant(test::normal<double>({5, 3})), Segments(std::vector<Index>{5}));
        }) == "Positions: a history of 5 events, at most 4 are seen");
}

}  // namespace HEED_TEST_UNIT
