// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/first_not_finite.hpp"

#include <limits>

#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("the first element that is not finite is found at every index of every length") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    using Limits = std::numeric_limits<Scalar>;
    const Scalar bad[] = {Limits::quiet_NaN(), -Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity()};
    std::vector<Index> sizes = test::sizes_around_width<Scalar, Isa>();
    sizes.push_back(300);
    bool found = true;
    for (const Index size : sizes) {
      // The largest numbers of both signs must not overflow to infinity on the way.
      Tensor<Scalar> x = Tensor<Scalar>::full({size}, Limits::max());
      for (Index i = 0; i < size; i += 3) x.data()[i] = -Limits::max();
      found = found && kernels::first_not_finite<Scalar, Isa>(size, x.data()) == size;
      for (Index i = size; i-- > 0;) {  // later elements are not finite either
        x.data()[i] = bad[i % 4];
        found = found && kernels::first_not_finite<Scalar, Isa>(size, x.data()) == i;
      }
    }
    CHECK(found);
  });
}

TEST_CASE("no element after the end is read as one of the array") {
  const float x[] = {1, 2, std::numeric_limits<float>::quiet_NaN()};
  CHECK(kernels::first_not_finite(2, x) == 2);
  CHECK(kernels::first_not_finite<float>(0, nullptr) == 0);
}

TEST_CASE("the first place of a matrix that is not finite is found in row-major order, without the gaps between rows") {
  Tensor<double> x({4, 5});
  for (Index r = 0; r < 4; ++r) x(r, 4) = std::numeric_limits<double>::quiet_NaN();
  const auto first_four = std::as_const(x).view().columns(0, 4);
  CHECK(kernels::first_not_finite<double>(first_four).row == 4);
  x(3, 0) = x(2, 3) = std::numeric_limits<double>::infinity();
  const auto place = kernels::first_not_finite<double>(first_four);
  CHECK((place.row == 2 && place.col == 3));
}

}  // namespace HEED_TEST_UNIT
