// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/scale.hpp"

#include "kernels/elementwise_cases.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("scale and its gradient are factor x + offset") {
  test::check_elementwise(
      test::normal_input,
      []<class Isa, class S>(Index n, const S* x, S* y) { kernels::scale_forward<S, Isa>(n, x, S(-1.5), S(0.25), y); },
      []<class Isa, class S>(Index n, const S*, const S*, const S* dy, S* dx) {
        kernels::add_scaled<S, Isa>(n, dy, S(-1.5), dx);
      },
      [](double x) { return -1.5 * x + 0.25; }, [](double) { return -1.5; });
}

}  // namespace HEED_TEST_UNIT
