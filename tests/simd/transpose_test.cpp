// SPDX-License-Identifier: Apache-2.0
#include "heed/simd/transpose.hpp"

#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("transposing a square of registers exchanges rows and columns") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    using P = simd::Pack<Scalar, Isa>;
    P rows[P::width];
    for (Index i = 0; i < P::width; ++i) {
      Scalar lanes[P::width];
      for (Index j = 0; j < P::width; ++j) lanes[j] = static_cast<Scalar>(100 * i + j);
      rows[i] = P::load(lanes);
    }
    simd::transpose(rows);
    for (Index i = 0; i < P::width; ++i) {
      for (Index j = 0; j < P::width; ++j) CHECK(rows[i][j] == static_cast<Scalar>(100 * j + i));
    }
  });
}

}  // namespace HEED_TEST_UNIT
