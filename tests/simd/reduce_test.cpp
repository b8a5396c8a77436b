// SPDX-License-Identifier: Apache-2.0
#include "heed/simd/reduce.hpp"

#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("reduce_each gives the bits of a separate reduction of each register") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    using P = simd::Pack<Scalar, Isa>;
    const auto numbers = test::normal_as<Scalar>({P::width, P::width}, "x");
    P sum[P::width], greatest[P::width];
    for (Index i = 0; i < P::width; ++i) sum[i] = greatest[i] = P::load(numbers.view().row(i));
    const P sums = reduce_each(sum, [](P a, P b) { return a + b; });
    const P maxima = reduce_each(greatest, [](P a, P b) { return max(a, b); });
    for (Index i = 0; i < P::width; ++i) {
      CHECK(sums[i] == reduce_sum(P::load(numbers.view().row(i))));
      CHECK(maxima[i] == reduce_max(P::load(numbers.view().row(i))));
    }
  });
}

}  // namespace HEED_TEST_UNIT
