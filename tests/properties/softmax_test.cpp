// SPDX-License-Identifier: Apache-2.0
// Properties of softmax.
#include "heed/ops/softmax.hpp"

#include <numeric>

#include "heed/kernels/softmax_row.hpp"
#include "properties/check.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::test;

/// Returns multiples of 1/16 between -8 and 8, to which an integer can be added without rounding.
template <class Scalar>
Tensor<Scalar> sixteenths(const Shape& shape) {
  Tensor<Scalar> out(shape);
  for (Index i = 0; i < out.size(); ++i) out.data()[i] = static_cast<Scalar>(between(-128, 128)) / Scalar(16);
  return out;
}

template <class Scalar>
void shifting_changes_nothing() {
  const Tensor<Scalar> x = sixteenths<Scalar>({between(1, 4), between(1, 40)});
  Tensor<Scalar> shifted = x;
  for (Index i = 0; i < x.rows(); ++i) {
    const auto shift = static_cast<Scalar>(between(-5000, 5000));
    for (Index j = 0; j < x.cols(); ++j) shifted(i, j) += shift;
  }
  Tape<Scalar> tape;
  RC_ASSERT(same_bits(Tensor<Scalar>(softmax(tape.constant(x)).value()),
                      Tensor<Scalar>(softmax(tape.constant(shifted)).value())));
  Tensor<Scalar> a = rows_of(x, 0, 1), b = rows_of(shifted, 0, 1);
  kernels::softmax_row<Scalar>(a.size(), a.data(), a.data());
  kernels::softmax_row<Scalar>(b.size(), b.data(), b.data());
  RC_ASSERT(same_bits(a, b));
}

template <class Scalar>
void weights_are_a_distribution() {
  const auto x = numbers<Scalar>({1, between(1, 400)});
  Tensor<Scalar> y(x.shape());
  kernels::softmax_row<Scalar>(x.size(), x.data(), y.data());
  RC_ASSERT(std::all_of(y.data(), y.data() + y.size(), [](Scalar weight) { return weight >= 0; }));
  const Scalar sum = std::accumulate(y.data(), y.data() + y.size(), Scalar(0));
  RC_ASSERT(std::abs(sum - 1) < 100 * std::numeric_limits<Scalar>::epsilon());
  // A greater score has a weight that is not smaller.
  for (Index j = 1; j < x.size(); ++j) RC_ASSERT(x(0, j - 1) > x(0, j) || y(0, j - 1) <= y(0, j));
}

TEST_CASE("adding a number to all scores does not change any bit of their softmax") {
  check_holds(shifting_changes_nothing<float>, shifting_changes_nothing<double>);
}

TEST_CASE("a softmax is a distribution and keeps the order of the scores") {
  check_holds(weights_are_a_distribution<float>, weights_are_a_distribution<double>);
}

}  // namespace HEED_TEST_UNIT
