// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/normalize.hpp"

#include "heed/kernels/reference/normalize.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("normalisation of rows and its gradient match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index features : test::sizes_around_width<Scalar, Isa>()) {
      for (const Index rows : {0, 1, 3}) {
        for (const double epsilon : {1e-12, 100.0}) {  // above and below all norms
          INFO("[" << rows << ", " << features << "], epsilon " << epsilon);
          const auto x = test::normal_as<Scalar>({rows, features}, "x"), dy = test::normal_as<Scalar>(x.shape(), "dy");
          Tensor<Scalar> y(x.shape()), norm({rows}), dx = Tensor<Scalar>::ones(x.shape());
          kernels::normalize_forward<Scalar, Isa>(x.view(), static_cast<Scalar>(epsilon), norm.data(), y.view());
          kernels::normalize_backward<Scalar, Isa>(y.view(), static_cast<Scalar>(epsilon), norm.data(), dy.view(),
                                                   dx.view());
          const auto exact = test::to_double(x);
          Tensor<double> want(x.shape()), want_x = Tensor<double>::ones(x.shape());
          kernels::reference::normalize(exact.view(), epsilon, want.view());
          kernels::reference::normalize_backward(exact.view(), epsilon, test::to_double(dy).view(), want_x.view());
          test::check_close(y, want, test::tolerance<Scalar>());
          test::check_close(dx, want_x, test::tolerance<Scalar>(5e-6));
        }
      }
    }
  });
}

TEST_CASE("a row of zeros stays zero, and its gradient is dy over epsilon") {
  const Tensor<float> x({2, 5}), dy = Tensor<float>::ones({2, 5});
  Tensor<float> y({2, 5}), dx({2, 5}), norm({2});
  kernels::normalize_forward<float>(x.view(), 0.5f, norm.data(), y.view());
  kernels::normalize_backward<float>(y.view(), 0.5f, norm.data(), dy.view(), dx.view());
  CHECK((y.array() == 0.0f).all());
  CHECK((dx.array() == 2.0f).all());
}

TEST_CASE("normalisation works on slices and in place") {
  Tensor<double> wide = Tensor<double>::normal({3, 23}, Random(1)), norm({3});
  const Tensor<double> before = wide;
  const auto slice = wide.view().columns(2, 21);
  kernels::normalize_forward<double>(slice, 1e-12, norm.data(), slice);
  for (Index i = 0; i < 3; ++i) {
    CHECK(wide.matrix().row(i).segment(2, 19).norm() == Approx(1));
    for (const Index outside : {1, 21}) CHECK(wide(i, outside) == before(i, outside));
  }
}

}  // namespace HEED_TEST_UNIT
