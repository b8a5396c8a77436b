// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/softmax_row.hpp"

#include <numeric>

#include "heed/kernels/reference/softmax_row.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

template <class Scalar>
constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();

/// Normal scores, about a third of them hidden.
template <class Scalar>
Tensor<Scalar> scores(Index size, Scalar spread) {
  Tensor<Scalar> x = test::normal_as<Scalar>({size}, "scores", spread);
  for (Index i = 0; i < size; ++i) {
    if (Random(9).uniform(static_cast<std::uint64_t>(i)) < 0.3) x.data()[i] = -infinity<Scalar>;
  }
  return x;
}

TEST_CASE("softmax of a row and the logarithm of its sum match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      for (const Scalar spread : {Scalar(0), Scalar(1), Scalar(30), Scalar(1000)}) {
        INFO(size << " numbers of spread " << spread);
        const auto x = scores<Scalar>(size, spread);
        Tensor<double> expected({size});
        const double log_sum = kernels::reference::softmax_row(size, test::to_double(x).data(), expected.data());
        Tensor<Scalar> y = Tensor<Scalar>::full({size}, std::numeric_limits<Scalar>::quiet_NaN());
        const Scalar got = kernels::softmax_row<Scalar, Isa>(size, x.data(), y.data());
        test::check_close(y, expected, test::tolerance<Scalar>());
        test::check_close(Tensor<Scalar>::of({got}), Tensor<double>::of({log_sum}), test::tolerance<Scalar>());

        Tensor<Scalar> in_place = x;
        kernels::softmax_row<Scalar, Isa>(size, in_place.data(), in_place.data());
        test::check_close(in_place, y, 0.0);

        // Recomputed in the backward pass.
        Tensor<Scalar> again = x;
        kernels::exp_row<Scalar, Isa>(size, again.data(), got);
        const double digits_lost = std::max(1.0, std::abs(log_sum));
        test::check_close(again, expected, test::tolerance<Scalar>() * digits_lost);
        for (Index i = 0; i < size; ++i) {
          if (x.data()[i] == -infinity<Scalar>) CHECK((y.data()[i] == 0 && again.data()[i] == 0));
        }
      }
    }
  });
}

TEST_CASE("softmax is 0 if nothing is visible, and the greatest scores do not overflow") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    constexpr Index size = simd::Pack<Scalar, Isa>::width + 1;
    Tensor<Scalar> x = Tensor<Scalar>::full({size}, -infinity<Scalar>), y = Tensor<Scalar>::ones({size});
    CHECK(kernels::softmax_row<Scalar, Isa>(size, x.data(), y.data()) == Scalar(0));
    test::check_close(y, Tensor<Scalar>({size}), 0.0);
    CHECK(kernels::softmax_row<Scalar, Isa>(0, x.data(), y.data()) == Scalar(0));

    x = Tensor<Scalar>::full({size}, std::numeric_limits<Scalar>::max());
    kernels::softmax_row<Scalar, Isa>(size, x.data(), y.data());
    for (Index i = 0; i < size; ++i) CHECK(y.data()[i] == Approx(1.0 / static_cast<double>(size)));
    x = Tensor<Scalar>::full({size}, std::numeric_limits<Scalar>::lowest());
    kernels::softmax_row<Scalar, Isa>(size, x.data(), y.data());
    for (Index i = 0; i < size; ++i) CHECK(y.data()[i] == Approx(1.0 / static_cast<double>(size)));
  });
}

TEST_CASE("a visible NaN stays NaN in a softmax") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    constexpr Index size = simd::Pack<Scalar, Isa>::width + 2;
    for (Index at = 0; at < size; ++at) {
      for (const Scalar others : {Scalar(1), -infinity<Scalar>}) {
        Tensor<Scalar> x = Tensor<Scalar>::full({size}, others);
        x.data()[at] = std::numeric_limits<Scalar>::quiet_NaN();
        kernels::softmax_row<Scalar, Isa>(size, x.data(), x.data());
        CHECK(std::isnan(x.data()[at]));
      }
    }
  });
}

TEST_CASE("hidden scores after a row do not change its bits") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    constexpr Index width = simd::Pack<Scalar, Isa>::width;
    for (Index size = 1; size <= 2 * width + 1; ++size) {
      const auto x = test::normal_as<Scalar>({size}, "scores");
      Tensor<Scalar> y({size});
      const Scalar log_sum = kernels::softmax_row<Scalar, Isa>(size, x.data(), y.data());
      for (Index more = 1; more <= width + 1; ++more) {
        Tensor<Scalar> longer = Tensor<Scalar>::full({size + more}, -infinity<Scalar>);
        std::copy_n(x.data(), size, longer.data());
        CHECK(kernels::softmax_row<Scalar, Isa>(size + more, longer.data(), longer.data()) == log_sum);
        CHECK(std::equal(y.data(), y.data() + size, longer.data()));
      }
    }
  });
}

}  // namespace HEED_TEST_UNIT
