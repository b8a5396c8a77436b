// SPDX-License-Identifier: Apache-2.0
#include "heed/core/segments.hpp"

#include <catch2/catch.hpp>

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("segments store where each sequence begins and ends") {
  const Segments segments{3, 0, 5, 3};
  CHECK((segments.count() == 4 && segments.tokens() == 11 && segments.max_length() == 5));
  CHECK((segments.begin(0) == 0 && segments.end(0) == 3 && segments.begin(2) == 3 && segments.end(3) == 11));
  CHECK((segments.length(1) == 0 && segments.length(2) == 5));
  const SegmentsView view = segments.view();
  CHECK((view.count == 4 && view.tokens() == 11 && view.max_length == 5));
  for (Index i = 0; i < 4; ++i) {
    CHECK((view.begin(i) == segments.begin(i) && view.end(i) == segments.end(i)));
    CHECK(view.length(i) == segments.length(i));
  }
  const std::vector<Index> order(view.order, view.order + 4);
  CHECK(order == std::vector<Index>{2, 0, 3, 1});  // longest first, equal lengths by index
}

TEST_CASE("a batch of no segments is valid") {
  const Segments none;
  CHECK((none.count() == 0 && none.tokens() == 0 && none.max_length() == 0));
  CHECK(none.view().tokens() == 0);
  CHECK(SegmentsView().tokens() == 0);
  CHECK(none == Segments(std::initializer_list<Index>{}));
  const Segments empty{0, 0};
  CHECK((empty.count() == 2 && empty.tokens() == 0 && empty.max_length() == 0));
}

TEST_CASE("segments are made, compared and assigned") {
  CHECK(Segments::uniform(3, 2) == Segments{2, 2, 2});
  CHECK(Segments{2, 1} != Segments{1, 2});
  CHECK(Segments{2} != Segments{2, 0});
  Segments segments{4, 4};
  const std::vector<Index> lengths{1, 2};
  segments.assign(lengths);
  CHECK(segments == Segments{1, 2});
  const Segments copy = segments;
  segments.assign({});
  CHECK(copy == Segments{1, 2});
}

TEST_CASE("a negative length is refused and leaves the segments unchanged") {
  Segments segments{1, 2};
  const std::vector<Index> lengths{3, -1};
  CHECK_THROWS_WITH(segments.assign(lengths), "segments: negative length -1");
  CHECK(segments == Segments{1, 2});
  CHECK_THROWS_AS((Segments{-2}), ShapeError);
  CHECK_THROWS_AS(Segments::uniform(-1, 2), ShapeError);
  CHECK_THROWS_AS(Segments::uniform(2, -1), ShapeError);
}

}  // namespace HEED_TEST_UNIT
