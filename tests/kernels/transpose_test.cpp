// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/transpose.hpp"

#include "heed/kernels/reference/transpose.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("a transposed matrix matches the reference, of any size and row stride") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index rows : test::sizes_around_width<Scalar, Isa>()) {
      for (const Index cols : test::sizes_around_width<Scalar, Isa>()) {
        INFO(rows << " x " << cols);
        const Tensor<Scalar> in = test::normal_as<Scalar>({rows, cols + 3}, "in");
        Tensor<Scalar> out = Tensor<Scalar>::full({cols, rows + 2}, Scalar(7));
        kernels::transpose<Scalar, Isa>(in.view().columns(1, cols + 1), out.view().columns(1, rows + 1));
        const Tensor<double> wide = test::to_double(in);
        Tensor<double> want = Tensor<double>::full({cols, rows + 2}, 7);
        kernels::reference::transpose(wide.view().columns(1, cols + 1), want.view().columns(1, rows + 1));
        test::check_close(out, want, 0);
      }
    }
  });
}

}  // namespace HEED_TEST_UNIT
