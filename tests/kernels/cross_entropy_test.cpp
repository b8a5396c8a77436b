// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/cross_entropy.hpp"

#include "heed/kernels/reference/cross_entropy.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("cross-entropy and its gradient match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    constexpr Index ignored = -100;
    for (const Index classes : test::sizes_around_width<Scalar, Isa>()) {
      if (classes == 0) continue;
      for (const double smoothing : {0.0, 0.1, 1.0}) {
        for (const Index rows : {0, 1, 5}) {
          INFO("[" << rows << ", " << classes << "], smoothing " << smoothing);
          const auto logits = test::normal_as<Scalar>({rows, classes}, "logits", Scalar(5));
          const auto dloss = test::normal_as<Scalar>({rows}, "dloss");
          std::vector<Index> targets;
          for (Index i = 0; i < rows; ++i) targets.push_back(i == 2 ? ignored : (7 * i) % classes);
          Tensor<Scalar> loss({rows}), log_sums({rows}), dlogits = Tensor<Scalar>::ones({rows, classes});
          kernels::cross_entropy_forward<Scalar, Isa>(logits.view(), targets.data(), ignored, smoothing, loss.data(),
                                                      log_sums.data());
          const Scalar scale = Scalar(0.5);
          kernels::cross_entropy_backward<Scalar, Isa>(logits.view(), targets.data(), ignored, smoothing,
                                                       log_sums.data(), dloss.data(), scale, dlogits.view());

          const auto in = test::to_double(logits);
          Tensor<double> want({rows}), slope = Tensor<double>::ones({rows, classes});
          Tensor<double> up = test::to_double(dloss);
          up.array() *= 0.5;
          kernels::reference::cross_entropy(in.view(), targets.data(), ignored, smoothing, want.data());
          kernels::reference::cross_entropy_backward(in.view(), targets.data(), ignored, smoothing, up.data(),
                                                     slope.view());
          // With one class the loss is 0 up to the rounding error of log(1).
          if (classes > 1) test::check_close(loss, want, test::tolerance<Scalar>());
          test::check_close(dlogits, slope, test::tolerance<Scalar>(5e-6, 1e-14));
        }
      }
    }
  });
}

TEST_CASE("cross-entropy handles a large catalogue, large logits and hidden classes") {
  constexpr Index classes = 20000;
  const Index target = 17;
  float loss = 0, log_sum = 0;
  Tensor<float> x = Tensor<float>::full({1, classes}, 1000.0f);
  kernels::cross_entropy_forward<float>(x.view(), &target, -100, 0.0, &loss, &log_sum);
  CHECK(loss == Approx(std::log(20000.0)).epsilon(1e-7));

  for (Index j = 100; j < classes; ++j) x(0, j) = -std::numeric_limits<float>::infinity();
  kernels::cross_entropy_forward<float>(x.view(), &target, -100, 0.0, &loss, &log_sum);
  CHECK(loss == Approx(std::log(100.0)).epsilon(1e-7));
  Tensor<float> dx({1, classes});
  kernels::cross_entropy_backward<float>(x.view(), &target, -100, 0.0, &log_sum, nullptr, 1.0f, dx.view());
  CHECK(dx(0, 0) == Approx(0.01).epsilon(1e-4));
  CHECK(dx(0, 17) == Approx(-0.99).epsilon(1e-6));
  CHECK(dx(0, 100) == 0.0f);
  CHECK(dx(0, classes - 1) == 0.0f);

  x(0, 5) = std::numeric_limits<float>::quiet_NaN();
  kernels::cross_entropy_forward<float>(x.view(), &target, -100, 0.0, &loss, &log_sum);
  CHECK(std::isnan(loss));
}

TEST_CASE("cross-entropy adds to a slice of a gradient, and reads a slice of logits") {
  const Index targets[] = {2, 0};
  Tensor<double> logits = Tensor<double>::of({{9, 1, 2, 3, 9}, {9, 3, 1, 2, 9}});
  Tensor<double> gradient = Tensor<double>::full({2, 5}, 7.0);
  double loss[2], log_sums[2];
  const auto x = logits.view().columns(1, 4);
  kernels::cross_entropy_forward<double>(x, targets, -100, 0.0, loss, log_sums);
  CHECK(loss[0] == Approx(std::log(1 + std::exp(-1.0) + std::exp(-2.0))));
  CHECK(loss[1] == Approx(loss[0]));
  kernels::cross_entropy_backward<double>(x, targets, -100, 0.0, log_sums, nullptr, 1.0, gradient.view().columns(1, 4));
  for (Index i = 0; i < 2; ++i) {
    CHECK(gradient(i, 0) == 7.0);
    CHECK(gradient(i, 4) == 7.0);
    CHECK(gradient(i, 1) + gradient(i, 2) + gradient(i, 3) == Approx(21.0));
  }
  CHECK(gradient(0, 3) == Approx(7.0 + std::exp(-loss[0]) - 1.0));
}

}  // namespace HEED_TEST_UNIT
