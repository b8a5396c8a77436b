// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/broadcast.hpp"

#include "heed/kernels/reference/broadcast.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using kernels::Arithmetic;

constexpr Arithmetic all[] = {Arithmetic::add, Arithmetic::subtract, Arithmetic::multiply, Arithmetic::divide};

struct Case {
  Shape out, a, b;
};

template <class Scalar, class Isa>
void check(Arithmetic kind, const Case& shapes) {
  INFO(to_string(shapes.a) << " with " << to_string(shapes.b) << ", operation " << static_cast<int>(kind));
  const auto a = test::normal_as<Scalar>(shapes.a, "a"), dy = test::normal_as<Scalar>(shapes.out, "dy");
  auto b = test::normal_as<Scalar>(shapes.b, "b");
  for (Index i = 0; i < b.size(); ++i) b.data()[i] += b.data()[i] < 0 ? Scalar(-0.5) : Scalar(0.5);
  const auto a_double = test::to_double(a), b_double = test::to_double(b), dy_double = test::to_double(dy);
  const kernels::Broadcast plan = kernels::make_broadcast(shapes.out, shapes.a, shapes.b);
  REQUIRE(plan.size() == shapes.out.size());

  Tensor<Scalar> y(shapes.out);
  Tensor<double> expected(shapes.out);
  kernels::reference::broadcast(kind, a_double.view(), b_double.view(), expected.view());
  const Index cut = y.size() / 3;  // in the middle of a row
  kernels::broadcast_forward<Scalar, Isa>(kind, plan, cut, y.size(), a.data(), b.data(), y.data());
  kernels::broadcast_forward<Scalar, Isa>(kind, plan, 0, cut, a.data(), b.data(), y.data());
  test::check_close(y, expected, test::tolerance<Scalar>());

  Tensor<Scalar> gradients[2] = {Tensor<Scalar>::ones(shapes.a), Tensor<Scalar>::ones(shapes.b)};
  Tensor<double> wanted[2] = {Tensor<double>::ones(shapes.a), Tensor<double>::ones(shapes.b)};
  kernels::reference::broadcast_backward(kind, a_double.view(), b_double.view(), dy_double.view(), wanted[0].view(),
                                         wanted[1].view());
  for (const int operand : {0, 1}) {
    Scalar* d = gradients[operand].data();
    if (plan.repeats(operand)) {
      kernels::broadcast_backward_sum<Scalar, Isa>(kind, operand, plan, a.data(), b.data(), dy.data(), d);
    } else {
      kernels::broadcast_backward<Scalar, Isa>(kind, operand, plan, 0, cut, a.data(), b.data(), dy.data(), d);
      kernels::broadcast_backward<Scalar, Isa>(kind, operand, plan, cut, dy.size(), a.data(), b.data(), dy.data(), d);
    }
    INFO("operand " << operand);
    test::check_close(gradients[operand], wanted[operand], test::tolerance<Scalar>(1e-5));
  }
}

TEST_CASE("broadcast arithmetic and its gradients match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Arithmetic kind : all) {
      for (const Index n : test::sizes_around_width<Scalar, Isa>()) {
        check<Scalar, Isa>(kind, {{n}, {n}, {n}});
        check<Scalar, Isa>(kind, {{3, n}, {3, n}, {n}});
        check<Scalar, Isa>(kind, {{3, n}, {1, n}, {3, n}});
        check<Scalar, Isa>(kind, {{3, n}, {3, n}, {3, 1}});
        check<Scalar, Isa>(kind, {{3, n}, {}, {3, n}});
        check<Scalar, Isa>(kind, {{3, n}, {3, 1}, {n}});
        check<Scalar, Isa>(kind, {{2, 3, n}, {2, 1, n}, {3, 1}});
      }
      check<Scalar, Isa>(kind, {{}, {}, {}});
      check<Scalar, Isa>(kind, {{2, 3, 2, 3, 2, 3}, {2, 1, 2, 1, 2, 1}, {1, 3, 1, 3, 1, 3}});
      check<Scalar, Isa>(kind, {{600, 5}, {600, 5}, {5}});
    }
  });
}

TEST_CASE("adjacent dimensions are merged where both operands allow it") {
  const auto rank = [](const Shape& out, const Shape& a, const Shape& b) {
    return kernels::make_broadcast(out, a, b).rank;
  };
  const auto inner = [](const Shape& out, const Shape& a, const Shape& b) {
    return kernels::make_broadcast(out, a, b).inner();
  };
  CHECK(inner({2, 3, 4}, {2, 3, 4}, {2, 3, 4}) == 24);
  CHECK(inner({2, 3, 4}, {2, 3, 4}, {}) == 24);
  CHECK(inner({2, 3, 4}, {2, 3, 4}, {4}) == 4);
  CHECK(rank({2, 3, 4}, {2, 3, 4}, {4}) == 2);
  CHECK(inner({2, 3, 4}, {2, 3, 4}, {3, 4}) == 12);
  CHECK(rank({2, 3, 4}, {2, 1, 4}, {3, 1}) == 3);
  CHECK(rank({2, 1, 4}, {2, 1, 4}, {2, 1, 4}) == 2);
}

TEST_CASE("the lanes past the end of a repeated divisor's gradient do not count") {
  const double a[] = {1, 2, 3}, b[] = {0.5}, dy[] = {1, 1, 1};
  double db = 0;
  const auto plan = kernels::make_broadcast({3}, {3}, {1});
  kernels::broadcast_backward_sum<double, simd::Generic<64>>(Arithmetic::divide, 1, plan, a, b, dy, &db);
  CHECK(db == -24);
  const double zero[] = {0};
  double da = 0;
  kernels::broadcast_backward_sum<double, simd::Generic<64>>(Arithmetic::divide, 0,
                                                             kernels::make_broadcast({3}, {1}, {3}), zero, a, dy, &da);
  CHECK(da == Approx(1 + 1.0 / 2 + 1.0 / 3));
}

}  // namespace HEED_TEST_UNIT
