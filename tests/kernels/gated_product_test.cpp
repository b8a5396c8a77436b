// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/gated_product.hpp"

#include "heed/kernels/reference/gated_product.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("gated products and their gradients match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Activation kind : {Activation::identity, Activation::sigmoid, Activation::silu, Activation::gelu}) {
      for (const bool has_residual : {true, false}) {
        for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
          INFO("activation " << static_cast<int>(kind) << " of " << size);
          // Columns of wider arrays.
          const Shape wide{3, 2 * size + 1}, shape{3, size};
          const auto both = test::normal_as<Scalar>(wide, "both"), other = test::normal_as<Scalar>(wide, "other");
          const auto gate = both.view().columns(0, size), value = both.view().columns(size, 2 * size);
          const auto residual = has_residual ? other.view().columns(1, 1 + size) : MatrixView<const Scalar>();
          const auto dy = test::normal_as<Scalar>(shape, "dy");
          Tensor<Scalar> y(shape), dgate = Tensor<Scalar>::ones(shape), dvalue = Tensor<Scalar>::ones(shape);
          kernels::gated_product_forward<Scalar, Isa>(kind, gate, value, residual, y.view());
          kernels::gated_product_backward_value<Scalar, Isa>(kind, gate, dy.view(), dvalue.view());
          kernels::gated_product_backward_gate<Scalar, Isa>(kind, gate, value, dy.view(), dgate.view());
          Tensor<double> want(shape), want_gate = Tensor<double>::ones(shape), want_value = want_gate;
          for (Index r = 0; r < 3; ++r) {
            for (Index c = 0; c < size; ++c) {
              const auto g = static_cast<double>(gate(r, c)), v = static_cast<double>(value(r, c));
              double unused = 0;
              want(r, c) =
                  kernels::reference::gated_product(kind, g, v, has_residual ? static_cast<double>(residual(r, c)) : 0);
              kernels::reference::gated_product_backward(kind, g, v, static_cast<double>(dy(r, c)), want_gate(r, c),
                                                         want_value(r, c), unused);
            }
          }
          test::check_close(y, want, test::tolerance<Scalar>());
          test::check_close(dgate, want_gate, test::tolerance<Scalar>());
          test::check_close(dvalue, want_value, test::tolerance<Scalar>());
        }
      }
    }
  });
}

}  // namespace HEED_TEST_UNIT
