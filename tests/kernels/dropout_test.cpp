// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/dropout.hpp"

#include <cmath>
#include <limits>

#include "heed/kernels/reference/dropout.hpp"
#include "kernels/every_isa.hpp"
#include "simd/guarded.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("the kept elements match the reference in every group and register") {
  const test::Guarded memory;
  test::for_every_isa([&]<class Scalar, class Isa>() {
    using Mask = kernels::DropoutMask<Isa>;
    using P = simd::Pack<Scalar, Isa>;
    for (const double keep : {1e-6, 0.1, 0.5, 0.7, 0.99999, 1.0}) {
      for (const std::uint64_t first : {0ul, 1ul, (1ul << 40) - 3, (1ul << 57) - 2}) {
        INFO("group " << first << ", keep " << keep);
        const Random random(first + 7);
        const Mask mask(random, keep);
        std::uint16_t* const bits = memory.end<std::uint16_t>() - 2 * Mask::words;
        for (Index g = 0; g < 2; ++g) mask.make(first + static_cast<std::uint64_t>(g), bits + g * Mask::words);
        Index different = 0;
        for (Index i = 0; i < 2 * Mask::group; ++i) {
          const auto lanes = Mask::template kept<P>(bits, i / P::width * P::width);
          const std::uint64_t e = first * Mask::group + static_cast<std::uint64_t>(i);
          different += (lanes[i % P::width] != 0) != (kernels::reference::dropout_factor(random, e, keep) != 0);
        }
        CHECK(different == 0);
      }
    }
  });
}

TEST_CASE("dropout and its gradient match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    std::vector<Index> sizes = test::sizes_around_width<Scalar, Isa>();
    sizes.insert(sizes.end(), {127, 128, 129, 1024, 1100});
    for (const Index size : sizes) {
      for (const double p : {0.0, 0.3, 0.999}) {
        INFO(size << " with " << p);
        const auto x = test::normal_as<Scalar>({size}, "x"), dy = test::normal_as<Scalar>({size}, "dy");
        Tensor<Scalar> y({size}), dx({size});
        kernels::dropout_forward<Scalar, Isa>(Random(3), p, 0, size, x.data(), y.data());
        kernels::dropout_backward<Scalar, Isa>(Random(3), p, 0, size, dy.data(), dx.data());
        kernels::dropout_backward<Scalar, Isa>(Random(3), p, 0, size, dy.data(), dx.data());  // adds
        Tensor<double> want({size}), slope({size});
        kernels::reference::dropout(Random(3), p, size, test::to_double(x).data(), want.data());
        kernels::reference::dropout(Random(3), p, size, test::to_double(dy).data(), slope.data());
        slope.array() *= 2.0;
        test::check_close(y, want, test::tolerance<Scalar>());
        test::check_close(dx, slope, test::tolerance<Scalar>());
      }
    }
  });
}

TEST_CASE("an element's mask depends on its index, not on the range it is computed in") {
  constexpr Index size = 300;
  test::for_every_isa([&]<class Scalar, class Isa>() {
    const auto x = test::normal_as<Scalar>({size}, "x");
    Tensor<Scalar> whole({size}), parts({size}), far({size});
    kernels::dropout_forward<Scalar, Isa>(Random(5), 0.5, 0, size, x.data(), whole.data());
    kernels::dropout_forward<Scalar, Isa>(Random(5), 0.5, 128, size, x.data() + 128, parts.data() + 128);
    kernels::dropout_forward<Scalar, Isa>(Random(5), 0.5, 0, 128, x.data(), parts.data());
    CHECK(testing::allclose(parts, whole, 0.0));
    constexpr Index begin = Index{128} << 34;
    kernels::dropout_forward<Scalar, Isa>(Random(5), 0.5, begin, begin + size, x.data(), far.data());
    for (Index i = 0; i < size; ++i) {
      const double factor = kernels::reference::dropout_factor(Random(5), static_cast<std::uint64_t>(begin + i), 0.5);
      CHECK(far.data()[i] == static_cast<Scalar>(factor) * x.data()[i]);
    }
  });
}

TEST_CASE("elements are dropped with the given probability, and neighbours are independent") {
  constexpr Index size = 100000;
  const Tensor<float> x = Tensor<float>::ones({size});
  Tensor<float> y({size});
  for (const double p : {0.1, 0.5, 0.9}) {
    kernels::dropout_forward(Random(1), p, 0, size, x.data(), y.data());
    double dropped = 0, pairs = 0, sum = 0;
    for (Index i = 0; i < size; ++i) {
      sum += static_cast<double>(y.data()[i]);
      if (y.data()[i] == 0.0f) ++dropped;
      if (i > 0 && y.data()[i] == 0.0f && y.data()[i - 1] == 0.0f) ++pairs;
    }
    const double n = static_cast<double>(size);
    CHECK(std::abs(dropped / n - p) < 4 * std::sqrt(p * (1 - p) / n));
    CHECK(std::abs(pairs / n - p * p) < 8 * std::sqrt(p * p * (1 - p * p) / n));
    CHECK(sum / n == Approx(1.0).epsilon(0.05));
  }
}

TEST_CASE("dropped elements have no influence, even NaN") {
  constexpr Index size = 192;  // a whole group, and a part of one
  const Tensor<float> x = Tensor<float>::full({size}, std::numeric_limits<float>::quiet_NaN());
  Tensor<float> y({size}), dx({size});
  kernels::dropout_forward(Random(1), 0.5, 0, size, x.data(), y.data());
  kernels::dropout_backward(Random(1), 0.5, 0, size, x.data(), dx.data());
  Index zeros = 0;
  for (Index i = 0; i < size; ++i) {
    CHECK((y.data()[i] == 0.0f || std::isnan(y.data()[i])));
    CHECK((dx.data()[i] == 0.0f) == (y.data()[i] == 0.0f));
    if (y.data()[i] == 0.0f) ++zeros;
  }
  CHECK(zeros > size / 4);
  CHECK(zeros < size * 3 / 4);
}

}  // namespace HEED_TEST_UNIT
