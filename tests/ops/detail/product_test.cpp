// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/detail/product.hpp"

#include <catch2/catch.hpp>

#include "heed/testing/allclose.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("the partial sums of a weight's gradient take no more memory than its factors") {
  for (const Index rows : {1, 1025, 2049, 5121, 25600, 100'000}) {
    for (const Index m : {1, 64, 1000, 4096, 50'000}) {
      for (const Index n : {1, 64, 1025, 4096}) {
        INFO(rows << " rows of " << m << " and " << n);
        const Index slab = detail::product_slab(m, n), slabs = (rows + slab - 1) / slab;
        if (slabs > 1) CHECK(slabs * m * n <= rows * (m + n));
      }
    }
  }
  CHECK(detail::product_slab(0, 0) == 1024);
  CHECK(detail::product_slab(256, 64) == 1024);
  CHECK(detail::product_slab(4096, 4096) == 4096);
}

TEST_CASE("a weight's gradient in several slabs is added to the earlier gradient") {
  Tape<double> tape;
  for (const Index rows : {0, 1, 1024, 1025, 3000}) {
    INFO(rows);
    const auto a = Tensor<double>::normal({rows, 3}, Random(1)), b = Tensor<double>::normal({rows, 2}, Random(2));
    auto c = Tensor<double>::ones({3, 2});
    detail::add_product_tn<double>(tape, a.view(), b.view(), c.view());
    Tensor<double> wanted({3, 2});
    wanted.matrix() = (a.matrix().transpose() * b.matrix()).array() + 1.0;
    CHECK(testing::allclose(c, wanted, 1e-13));
  }
}

}  // namespace HEED_TEST_UNIT
