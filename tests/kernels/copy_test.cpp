// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/copy.hpp"

#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("rows are copied and added through strides, and repeated by a stride of 0") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index cols : test::sizes_around_width<Scalar, Isa>()) {
      INFO(cols << " columns");
      const auto x = test::normal_as<Scalar>({3, cols + 3}, "x");
      Tensor<Scalar> y = Tensor<Scalar>::full({3, cols + 2}, Scalar(7)), sum = y, repeated = y;
      const auto in = x.view().columns(2, cols + 2);
      kernels::copy_rows<Scalar>(in, y.view().columns(1, cols + 1));
      kernels::add_rows<Scalar, Isa>(in, sum.view().columns(1, cols + 1), Scalar(-2));
      kernels::add_rows<Scalar, Isa>({in.row(1), {in.rows(), in.cols()}, 0}, repeated.view().columns(1, cols + 1));
      bool equal = true;
      for (Index i = 0; i < 3; ++i) {
        for (Index j = 0; j < cols + 2; ++j) {
          const bool inside = j >= 1 && j <= cols;
          equal = equal && y(i, j) == (inside ? x(i, j + 1) : Scalar(7));
          equal = equal && sum(i, j) == Approx(inside ? Scalar(7) - Scalar(2) * x(i, j + 1) : Scalar(7)).epsilon(1e-6);
          equal = equal && repeated(i, j) == (inside ? Scalar(7) + x(1, j + 1) : Scalar(7));
        }
      }
      CHECK(equal);
    }
  });
}

TEST_CASE("copying and adding empty arrays does nothing") {
  kernels::copy_rows<float>({nullptr, {0, 3}}, {nullptr, {0, 3}});
  kernels::add_rows<float>({nullptr, {3, 0}}, {nullptr, {3, 0}});
}

}  // namespace HEED_TEST_UNIT
