// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/reduce.hpp"

#include <cmath>

#include "heed/kernels/reference/reduce.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("sums, products and columns match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    auto sizes = test::sizes_around_width<Scalar, Isa>();
    sizes.push_back(5000);
    for (const Index size : sizes) {
      INFO("size " << size);
      const auto x = test::normal_as<Scalar>({size}, "x"), y = test::normal_as<Scalar>({size}, "y");
      const auto in = test::to_double(x), other = test::to_double(y);
      double total = 0;
      kernels::reference::sum(1, size, 1, in.data(), &total);
      const double scale = 1 + std::sqrt(static_cast<double>(size));  // of a sum of so many normal numbers
      CHECK(kernels::sum<Scalar, Isa>(size, x.data()) == Approx(total).margin(scale * test::tolerance<Scalar>()));
      CHECK(kernels::dot<Scalar, Isa>(size, x.data(), y.data()) ==
            Approx(kernels::reference::dot(size, in.data(), other.data())).margin(scale * test::tolerance<Scalar>()));
    }
    for (const Index rows : {0, 1, 5, 600}) {
      for (const Index cols : test::sizes_around_width<Scalar, Isa>()) {
        INFO(rows << " x " << cols);
        const auto x = test::normal_as<Scalar>({rows, cols + 1}, "x");
        const auto part = x.view().columns(1, cols + 1);
        const auto in = test::to_double(Tensor<Scalar>(part));
        Tensor<Scalar> sums = Tensor<Scalar>::full({cols}, Scalar(3));
        Tensor<double> expected({cols});
        kernels::add_column_sums<Scalar, Isa>(part, sums.data());
        kernels::reference::sum(1, rows, cols, in.data(), expected.data());
        expected.array() += 3.0;
        test::check_close(sums, expected, test::tolerance<Scalar>(1e-5));
        if (rows == 0) continue;

        Tensor<Scalar> most({cols});
        std::vector<Index> at(static_cast<std::size_t>(cols));
        kernels::column_max<Scalar>(part, most.data(), at.data());
        kernels::reference::max(1, rows, cols, in.data(), expected.data());
        test::check_close(most, expected, 0);
        for (Index j = 0; j < cols; ++j) CHECK(part(at[static_cast<std::size_t>(j)], j) == most.data()[j]);
      }
    }
  });
}

TEST_CASE("the maximum of a column is its first greatest element, and NaN counts as greatest") {
  const auto x = Tensor<float>::of({{1, 1, NAN, 1}, {2, NAN, 1, -INFINITY}, {2, 3, NAN, 0}});
  float most[4];
  Index at[4];
  kernels::column_max<float>(x.view(), most, at);
  CHECK(at[0] == 1);
  CHECK(at[1] == 1);
  CHECK(std::isnan(most[1]));
  CHECK(at[2] == 0);
  CHECK(at[3] == 0);
}

TEST_CASE("the sum of a column does not depend on the other columns") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const Index cols = 2 * simd::Pack<Scalar, Isa>::width + 3;
    const auto x = test::normal_as<Scalar>({300, cols}, "x");
    Tensor<Scalar> whole({cols});
    kernels::add_column_sums<Scalar, Isa>(x.view(), whole.data());
    for (Index j = 0; j < cols; ++j) {
      Scalar alone = 0;
      kernels::add_column_sums<Scalar, Isa>(x.view().columns(j, j + 1), &alone);
      CHECK(alone == whole.data()[j]);
    }
  });
}

}  // namespace HEED_TEST_UNIT
