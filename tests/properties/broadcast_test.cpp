// SPDX-License-Identifier: Apache-2.0
// Broadcasting has the same bits as an operation on the repeated array.
#include "heed/kernels/reference/broadcast.hpp"

#include "heed/ops/add.hpp"
#include "heed/ops/divide.hpp"
#include "heed/ops/multiply.hpp"
#include "heed/ops/subtract.hpp"
#include "heed/testing/allclose.hpp"
#include "properties/check.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::test;

/// Returns a shape that broadcasts to `whole`: some sizes are 1, some leading dimensions are omitted.
Shape repeated(const Shape& whole) {
  Shape out;
  for (int i = static_cast<int>(between(0, whole.rank())); i < whole.rank(); ++i) {
    out.push_back(*rc::gen::arbitrary<bool>() ? 1 : whole[i]);
  }
  return out;
}

Tensor<double> written_out(const Tensor<double>& x, const Shape& whole) {
  Tensor<double> out(whole);
  for (Index i = 0; i < out.size(); ++i)
    out.data()[i] = x.data()[kernels::reference::broadcast_index(whole, x.shape(), i)];
  return out;
}

/// The gradient of `written_out`: sums over the repeated elements.
Tensor<double> gathered(const Tensor<double>& d, const Shape& shape) {
  Tensor<double> out(shape);
  for (Index i = 0; i < d.size(); ++i)
    out.data()[kernels::reference::broadcast_index(d.shape(), shape, i)] += d.data()[i];
  return out;
}

void repeating_is_writing_out() {
  Shape whole;
  for (Index rank = between(0, 4), i = 0; i < rank; ++i) whole.push_back(between(0, 6));
  // One of the two, chosen at random, has the whole shape.
  Shape a_shape = repeated(whole), b_shape = whole;
  if (*rc::gen::arbitrary<bool>()) std::swap(a_shape, b_shape);
  const auto a = numbers<double>(a_shape), b = numbers<double>(b_shape);
  const auto op = *rc::gen::element(&add<double>, &subtract<double>, &multiply<double>, &divide<double>);
  const auto cotangent = numbers<double>(whole);
  const auto run = [&](const Tensor<double>& left, const Tensor<double>& right) {
    Tape<double> tape;
    const auto x = tape.variable(left), y = tape.variable(right), z = op(x, y);
    RC_ASSERT(z.shape() == whole);
    backward_from<double>({{z, cotangent}});
    return std::array{Tensor<double>(z.value()), gradient_of(x), gradient_of(y)};
  };
  const auto [value, da, db] = run(a, b);
  const auto [long_value, long_da, long_db] = run(written_out(a, whole), written_out(b, whole));
  RC_ASSERT(same_bits(value, long_value));
  RC_ASSERT(static_cast<bool>(testing::allclose(da, gathered(long_da, a_shape), 1e-12)));
  RC_ASSERT(static_cast<bool>(testing::allclose(db, gathered(long_db, b_shape), 1e-12)));
}

TEST_CASE("broadcasting repeats inputs") { CHECK(holds("add, subtract, multiply, divide", repeating_is_writing_out)); }

}  // namespace HEED_TEST_UNIT
