// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/gemm.hpp"

#include <array>
#include <cstring>

#include "heed/kernels/reference/activation.hpp"
#include "heed/kernels/reference/gemm.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

template <class Scalar>
Tensor<double> expected(const Tensor<Scalar>& a, const Tensor<Scalar>& b, const Scalar* bias) {
  Tensor<double> out({a.rows(), b.cols()}), in_double({b.cols()});
  for (Index n = 0; bias != nullptr && n < b.cols(); ++n) in_double.data()[n] = static_cast<double>(bias[n]);
  kernels::reference::gemm(test::to_double(a).view(), test::to_double(b).view(),
                           bias != nullptr ? in_double.data() : nullptr, out.view());
  return out;
}

template <class Scalar>
Tensor<Scalar> transposed(const Tensor<Scalar>& x) {
  Tensor<Scalar> out({x.cols(), x.rows()});
  kernels::transpose<Scalar>(x.view(), out.view());
  return out;
}

TEST_CASE("gemm, gemm_tn and their epilogues match the definition") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const double allowed = test::tolerance<Scalar>(1e-5, 1e-13);
    for (const Index rows : {0, 1, 3, 4, 9, 101}) {
      for (const Index cols : test::sizes_around_width<Scalar, Isa>()) {
        for (const Index depth : {0, 1, 5, 600}) {
          if (depth == 600 && rows == 101) continue;  // slow, and each is tested with the other small
          INFO("[" << rows << ", " << depth << "] x [" << depth << ", " << cols << "]");
          const auto a = test::normal_as<Scalar>({rows, depth}, "a"), b = test::normal_as<Scalar>({depth, cols}, "b");
          const auto bias = test::normal_as<Scalar>({cols}, "bias");
          Tensor<Scalar> c({rows, cols});
          kernels::gemm<Scalar, Isa>(a.view(), b.view(), c.view());
          test::check_close(c, expected<Scalar>(a, b, nullptr), allowed);

          kernels::gemm<Scalar, Isa>(a.view(), b.view(), c.view(),
                                     {.bias = bias.data(), .activation = Activation::relu});
          Tensor<double> after = expected(a, b, bias.data());
          for (Index i = 0; i < after.size(); ++i) after.data()[i] = std::max(after.data()[i], 0.0);
          test::check_close(c, after, allowed);

          Tensor<Scalar> sum = Tensor<Scalar>::full({rows, cols}, Scalar(2));
          kernels::gemm_tn<Scalar, Isa>(transposed(a).view(), b.view(), sum.view(), {.accumulate = true});
          Tensor<double> added = expected<Scalar>(a, b, nullptr);
          added.array() += 2.0;
          test::check_close(sum, added, allowed);
        }
      }
    }
  });
}

TEST_CASE("a row of a product does not depend on its batch") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    auto sizes = test::sizes_around_width<Scalar, Isa>();
    sizes.push_back(83);  // rows of b far enough apart that a product of many rows copies them
    for (const Index cols : sizes) {
      for (const Index depth : {7, 530}) {
        const Index rows = 107;
        const auto a = test::normal_as<Scalar>({rows, depth}, "a"), b = test::normal_as<Scalar>({depth, cols}, "b");
        Tensor<Scalar> whole({rows, cols}), part({13, cols});
        kernels::gemm<Scalar, Isa>(a.view(), b.view(), whole.view());
        test::check_close(whole, expected<Scalar>(a, b, nullptr), test::tolerance<Scalar>(1e-5, 1e-13));
        for (const Index count : {1, 2, 5, 13}) {
          for (const Index begin : {Index{0}, Index{3}, Index{90}, rows - count}) {
            kernels::gemm<Scalar, Isa>(a.view().rows(begin, begin + count), b.view(), part.view().rows(0, count));
            INFO("rows " << begin << " .. " << begin + count << " of " << cols << " columns, depth " << depth);
            CHECK(std::equal(part.data(), part.data() + count * cols, whole.view().row(begin)));
          }
        }
      }
    }
  });
}

TEST_CASE("a column of a product does not depend on the other columns") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const Index width = simd::Pack<Scalar, Isa>::width, cols = 4 * width + 1;
    const auto a = test::normal_as<Scalar>({9, 33}, "a"), b = test::normal_as<Scalar>({33, cols}, "b");
    Tensor<Scalar> whole({9, cols});
    kernels::gemm<Scalar, Isa>(a.view(), b.view(), whole.view());
    for (const Index j : {Index{0}, width, cols - 1}) {
      Tensor<Scalar> alone({9, 1});
      kernels::gemm<Scalar, Isa>(a.view(), b.view().columns(j, j + 1), alone.view());
      for (Index i = 0; i < 9; ++i) CHECK(alone(i, 0) == whole(i, j));
    }
  });
}

TEST_CASE("gemm with row strides writes only its columns") {
  const auto a = test::normal_as<double>({6, 9}, "a"), b = test::normal_as<double>({7, 11}, "b");
  Tensor<double> c = Tensor<double>::full({6, 10}, -7.0);
  kernels::gemm<double>(a.view().columns(1, 8), b.view().columns(2, 7), c.view().columns(3, 8));
  Tensor<double> dense({6, 5});
  kernels::reference::gemm(a.view().columns(1, 8), b.view().columns(2, 7), nullptr, dense.view());
  test::check_close(TensorView<double>(c.view().columns(3, 8)), dense.view(), 1e-14);
  for (Index i = 0; i < 6; ++i) {
    for (const Index j : {0, 1, 2, 8, 9}) CHECK(c(i, j) == -7.0);
  }
}

TEST_CASE("a product prefetches all rows of its prefetcher without changing its bits") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const auto& [rows, depth, cols] :
         {std::array<Index, 3>{96, 64, 64}, {96, 256, 64}, {1, 16, 16}, {7, 600, 5}}) {
      INFO(rows << " x " << depth << " x " << cols);
      const auto a = test::normal_as<Scalar>({rows, depth}, "a"), b = test::normal_as<Scalar>({depth, cols}, "b");
      Tensor<Scalar> c({rows, cols}), same({rows, cols});
      kernels::gemm<Scalar, Isa>(a.view(), b.view(), c.view());
      kernels::RowPrefetcher<Scalar> rows_after;
      rows_after.add(a.view().columns(0, depth / 2));
      rows_after.add(MatrixView<const Scalar>());
      kernels::gemm<Scalar, Isa>(a.view(), b.view(), same.view(), {.next_rows = &rows_after});
      CHECK(std::equal(c.data(), c.data() + c.size(), same.data()));
      CHECK(rows_after.remaining() == 0);
    }
  });
}

}  // namespace HEED_TEST_UNIT
