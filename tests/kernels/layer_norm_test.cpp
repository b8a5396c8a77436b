// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/layer_norm.hpp"

#include "heed/kernels/reference/layer_norm.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

/// One layer normalisation problem, with the kernel's results.
template <class Scalar, class Isa>
struct Case {
  Tensor<Scalar> x, weight, bias, dy, y, mean, rstd;

  Case(Index rows, Index features)
      : x(test::normal_as<Scalar>({rows, features}, "x", Scalar(2))),
        weight(test::normal_as<Scalar>({features}, "weight")),
        bias(test::normal_as<Scalar>({features}, "bias")),
        dy(test::normal_as<Scalar>({rows, features}, "dy")),
        y({rows, features}),
        mean({rows}),
        rstd({rows}) {}
  void forward(double epsilon) {
    kernels::layer_norm_forward<Scalar, Isa>(x.view(), weight.data(), bias.data(), static_cast<Scalar>(epsilon),
                                             mean.data(), rstd.data(), y.view());
  }
};

TEST_CASE("layer normalisation and its gradients match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index features : test::sizes_around_width<Scalar, Isa>()) {
      for (const Index rows : {0, 1, 3}) {
        INFO("[" << rows << ", " << features << "]");
        Case<Scalar, Isa> c(rows, features);
        const double epsilon = 1e-3;  // a row of one feature has no variance: dx is a difference of equal terms
        c.forward(epsilon);
        const auto x = test::to_double(c.x), weight = test::to_double(c.weight), bias = test::to_double(c.bias);
        Tensor<double> y({rows, features});
        kernels::reference::layer_norm(x.view(), weight.data(), bias.data(), epsilon, y.view());
        test::check_close(c.y, y, test::tolerance<Scalar>(5e-6, 1e-14));

        Tensor<Scalar> dx = Tensor<Scalar>::ones({rows, features});
        Tensor<Scalar> dweight = Tensor<Scalar>::ones({features}), dbias = Tensor<Scalar>::ones({features});
        kernels::layer_norm_backward<Scalar, Isa>(c.x.view(), c.weight.data(), c.mean.data(), c.rstd.data(),
                                                  c.dy.view(), dx.view(), dweight.data(), dbias.data());
        Tensor<double> want_x = Tensor<double>::ones({rows, features});
        Tensor<double> want_weight = Tensor<double>::ones({features}), want_bias = want_weight;
        kernels::reference::layer_norm_backward(x.view(), weight.data(), epsilon, test::to_double(c.dy).view(),
                                                want_x.view(), want_weight.data(), want_bias.data());
        test::check_close(dx, want_x, test::tolerance<Scalar>(2e-5, 1e-13));
        test::check_close(dweight, want_weight, test::tolerance<Scalar>(5e-6, 1e-14));
        test::check_close(dbias, want_bias, test::tolerance<Scalar>());
      }
    }
  });
}

TEST_CASE("layer normalisation keeps its accuracy far from zero") {
  // A variance from a difference of sums of squares would be lost: x^2 = 1e8, the variance is 1.
  constexpr Index features = 64;
  Case<float, simd::NativeIsa> c(1, features);
  for (Index j = 0; j < features; ++j) c.x(0, j) = 10000.0f + (j % 2 == 0 ? 1.0f : -1.0f);
  c.forward(0.0);
  CHECK(c.mean(0) == 10000.0f);
  CHECK(c.rstd(0) == 1.0f);
}

TEST_CASE("layer normalisation works on slices and in place, and omits outputs that are not requested") {
  constexpr Index rows = 3, features = 19;
  Case<double, simd::NativeIsa> c(rows, features);
  c.forward(1e-5);
  Tensor<double> wide({rows, features + 4});
  const auto slice = wide.view().columns(2, 2 + features);
  for (Index i = 0; i < rows; ++i) std::copy_n(c.x.view().row(i), features, slice.row(i));
  kernels::layer_norm_forward<double>(slice, c.weight.data(), c.bias.data(), 1e-5, c.mean.data(), c.rstd.data(), slice);
  CHECK(testing::allclose(Tensor<double>(slice), c.y, 0.0));
  for (Index i = 0; i < rows; ++i) {
    CHECK(wide(i, 1) == 0.0);
    CHECK(wide(i, 2 + features) == 0.0);
  }

  Tensor<double> dx({rows, features}), alone({rows, features}), dweight({features}), dbias({features});
  const auto backward = [&](TensorView<double> to, double* w, double* b) {
    kernels::layer_norm_backward<double>(c.x.view(), c.weight.data(), c.mean.data(), c.rstd.data(), c.dy.view(), to, w,
                                         b);
  };
  backward(dx.view(), dweight.data(), dbias.data());
  backward(alone.view(), nullptr, nullptr);
  CHECK(testing::allclose(alone, dx, 0.0));
  Tensor<double> alone_weight({features}), alone_bias({features});
  backward({}, alone_weight.data(), nullptr);
  backward({}, nullptr, alone_bias.data());
  CHECK(testing::allclose(alone_weight, dweight, 0.0));
  CHECK(testing::allclose(alone_bias, dbias, 0.0));
}

}  // namespace HEED_TEST_UNIT
