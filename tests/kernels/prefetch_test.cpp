// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/prefetch.hpp"

#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("prefetch accepts any address and does not change the elements") {
  std::vector<float> x(100, 3.0f);
  kernels::prefetch(x.data(), 0, 100);
  kernels::prefetch(x.data(), 100'000'000, 64);
  kernels::prefetch(x.data(), -100'000'000, 64);
  kernels::prefetch<double>(nullptr, 5, 8);
  CHECK(x == std::vector<float>(100, 3.0f));
}

TEST_CASE("RowPrefetcher visits the rows of all its arrays") {
  const auto a = test::normal_as<double>({5, 40}, "a"), b = test::normal_as<double>({3, 2}, "b");
  kernels::RowPrefetcher<double> rows;
  CHECK(rows.remaining() == 0);
  rows.step(2);
  rows.add(a.view().columns(8, 30));
  rows.add({});
  rows.add({nullptr, {0, 4}});
  rows.add({nullptr, {4, 0}});
  rows.add(b.view());
  CHECK(rows.remaining() == 8);
  rows.step(4);
  CHECK(rows.remaining() == 4);
  rows.step(2);
  CHECK(rows.remaining() == 2);
  rows.step(0);
  CHECK(rows.remaining() == 2);
  rows.step(100);
  CHECK(rows.remaining() == 0);
}

}  // namespace HEED_TEST_UNIT
