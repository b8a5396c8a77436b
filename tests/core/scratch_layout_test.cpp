// SPDX-License-Identifier: Apache-2.0
#include "heed/core/scratch_layout.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed;

namespace {

/// Allocates arrays of several sizes from the layout.
template <class Scalar>
std::vector<MatrixView<Scalar>> arrays(ScratchLayout<Scalar>& layout) {
  std::vector<MatrixView<Scalar>> out;
  for (const Index count : {5, 0, 16, 1, 33}) out.push_back({layout.array(count), {1, count}});
  out.push_back(layout.matrix(3, 7));
  out.push_back(layout.matrix(3, 7, 20));
  out.push_back({layout.array(2), {1, 2}});
  return out;
}

template <class Scalar>
void check_layout() {
  ScratchLayout<Scalar> sizes(nullptr);
  for (const auto& x : arrays(sizes)) CHECK(x.data() == nullptr);
  alignas(64) static Scalar buffer[1000];
  REQUIRE(sizes.size() <= 1000);
  ScratchLayout<Scalar> layout(buffer);
  const auto made = arrays(layout);
  CHECK(layout.size() == sizes.size());
  const Scalar* end = buffer;
  for (const auto& x : made) {
    CHECK(reinterpret_cast<std::uintptr_t>(x.data()) % 64 == 0);
    CHECK(x.data() >= end);
    end = x.data() + x.rows() * x.row_stride();
  }
  CHECK(end <= buffer + layout.size());
  CHECK(made[6].row(2) == made[6].data() + 40);
}

}  // namespace

TEST_CASE("ScratchLayout lays out aligned arrays that do not overlap") {
  check_layout<float>();
  check_layout<double>();
}

}  // namespace HEED_TEST_UNIT
