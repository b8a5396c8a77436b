// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/activation.hpp"

#include <cstring>

#include "heed/kernels/reference/activation.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

constexpr Activation all[] = {Activation::identity, Activation::relu, Activation::sigmoid,  Activation::tanh,
                              Activation::silu,     Activation::gelu, Activation::gelu_tanh};

TEST_CASE("activations and their slopes match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Activation kind : all) {
      for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
        INFO("activation " << static_cast<int>(kind) << " of " << size);
        const auto x = test::normal_as<Scalar>({size}, "x", Scalar(3)), dy = test::normal_as<Scalar>({size}, "dy");
        Tensor<Scalar> y({size}), dx = Tensor<Scalar>::ones({size});
        Tensor<double> expected({size}), slope({size});
        for (Index i = 0; i < size; ++i) {
          const auto at = static_cast<double>(x.data()[i]);
          expected.data()[i] = kernels::reference::activation(kind, at);
          slope.data()[i] = 1.0 + static_cast<double>(dy.data()[i]) * kernels::reference::activation_slope(kind, at);
        }
        kernels::activation_forward<Scalar, Isa>(kind, size, x.data(), y.data());
        test::check_close(y, expected, test::tolerance<Scalar>());
        const Scalar* input = derivative_from_output(kind) ? nullptr : x.data();
        kernels::activation_backward<Scalar, Isa>(kind, size, input, y.data(), dy.data(), dx.data());
        test::check_close(dx, slope, test::tolerance<Scalar>());
      }
    }
  });
}

TEST_CASE("the gradient through relu is scaled, and 0 where the output is 0") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      const auto x = test::normal_as<Scalar>({size}, "x"), dy = test::normal_as<Scalar>({size}, "dy");
      Tensor<Scalar> y({size}), dx = Tensor<Scalar>::ones({size});
      kernels::activation_forward<Scalar, Isa>(Activation::relu, size, x.data(), y.data());
      kernels::relu_gradient<Scalar, Isa>(size, y.data(), dy.data(), Scalar(0.5), dx.data());
      for (Index i = 0; i < size; ++i) CHECK(dx(i) == (y(i) > 0 ? Scalar(0.5) * dy(i) : Scalar(0)));
    }
  });
}

TEST_CASE("an activation propagates NaN and handles infinities and large numbers") {
  const float infinity = std::numeric_limits<float>::infinity();
  for (const Activation kind : all) {
    INFO("activation " << static_cast<int>(kind));
    const float x[] = {std::numeric_limits<float>::quiet_NaN(), infinity, 1e4f, -1e4f};
    float y[4];
    kernels::activation_forward(kind, 4, x, y);
    CHECK(std::isnan(y[0]));
    CHECK(y[1] == (kind == Activation::sigmoid || kind == Activation::tanh ? 1.0f : infinity));
    CHECK(y[2] == (kind == Activation::sigmoid || kind == Activation::tanh ? 1.0f : 1e4f));
    CHECK(y[3] == Approx(kernels::reference::activation(kind, -1e4)));
  }
}

TEST_CASE("an activation's value does not depend on its position") {
  constexpr Index size = 37;
  const auto x = test::normal_as<float>({size}, "x");
  for (const Activation kind : all) {
    Tensor<float> whole({size});
    kernels::activation_forward(kind, size, x.data(), whole.data());
    for (Index i = 0; i < size; ++i) {
      float alone;
      kernels::activation_forward(kind, 1, x.data() + i, &alone);
      CHECK(std::memcmp(&alone, whole.data() + i, sizeof(float)) == 0);
    }
  }
}

}  // namespace HEED_TEST_UNIT
