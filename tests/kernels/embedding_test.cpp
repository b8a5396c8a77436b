// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/embedding.hpp"

#include "heed/kernels/reference/embedding.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("rows are looked up and their gradients added as the reference does") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const Index indices[] = {2, 0, -1, 2, 4, 2, -1};
    for (const Index count : {0, 1, 7}) {
      for (const Index cols : test::sizes_around_width<Scalar, Isa>()) {
        INFO(count << " indices, " << cols << " columns");
        const auto table = test::normal_as<Scalar>({5, cols}, "table"),
                   dy = test::normal_as<Scalar>({count, cols}, "dy");
        Tensor<Scalar> y = Tensor<Scalar>::ones({count, cols}), dtable = Tensor<Scalar>::ones({5, cols});
        Tensor<double> expected({count, cols}), sums({5, cols});
        kernels::embedding_forward<Scalar>(table.view(), indices, y.view());
        kernels::reference::embedding(test::to_double(table).view(), indices, expected.view());
        test::check_close(y, expected, 0);

        const Index cut = cols / 2;
        kernels::embedding_backward<Scalar, Isa>(dy.view().columns(0, cut), indices, dtable.view().columns(0, cut));
        kernels::embedding_backward<Scalar, Isa>(dy.view().columns(cut, cols), indices,
                                                 dtable.view().columns(cut, cols));
        kernels::reference::embedding_backward(test::to_double(dy).view(), indices, sums.view());
        sums.array() += 1.0;
        test::check_close(dtable, sums, test::tolerance<Scalar>());
      }
    }
  });
}

}  // namespace HEED_TEST_UNIT
