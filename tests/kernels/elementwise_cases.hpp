// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of elementwise kernels with one operand.
#pragma once

#include <utility>

#include "kernels/every_isa.hpp"

namespace heed::test {

/// Checks a kernel at every register width and size: `forward<Isa>(size, x, y)` writes value(x), and
/// `backward<Isa>(size, x, y, dy, dx)` adds dy slope(x) to dx. `input<Scalar>(shape)` returns x.
template <class Input, class Forward, class Backward, class Value, class Slope>
void check_elementwise(Input input, Forward forward, Backward backward, Value value, Slope slope) {
  for_every_isa([&]<class Scalar, class Isa>() {
    for (const Index size : sizes_around_width<Scalar, Isa>()) {
      INFO("size " << size);
      const Tensor<Scalar> x = input.template operator()<Scalar>(Shape{size});
      const auto dy = normal_as<Scalar>({size}, "dy");
      Tensor<Scalar> y({size}), dx = Tensor<Scalar>::ones({size});
      Tensor<double> want_y({size}), want_dx({size});
      for (Index i = 0; i < size; ++i) {
        const auto at = static_cast<double>(x.data()[i]);
        want_y.data()[i] = value(at);
        want_dx.data()[i] = 1 + static_cast<double>(dy.data()[i]) * slope(at);
      }
      forward.template operator()<Isa>(size, x.data(), y.data());
      check_close(y, want_y, tolerance<Scalar>());
      backward.template operator()<Isa>(size, x.data(), std::as_const(y).data(), dy.data(), dx.data());
      check_close(dx, want_dx, tolerance<Scalar>());
    }
  });
}

/// The default x.
inline constexpr auto normal_input = []<class Scalar>(const Shape& shape) { return normal_as<Scalar>(shape, "x"); };

}  // namespace heed::test
