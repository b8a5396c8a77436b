// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/exp.hpp"

#include <cmath>

#include "kernels/elementwise_cases.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("exp and its gradient match the C library") {
  test::check_elementwise(
      test::normal_input, []<class Isa, class S>(Index n, const S* x, S* y) { kernels::exp_forward<S, Isa>(n, x, y); },
      []<class Isa, class S>(Index n, const S*, const S* y, const S* dy, S* dx) {
        kernels::exp_backward<S, Isa>(n, y, dy, dx);
      },
      [](double x) { return std::exp(x); }, [](double x) { return std::exp(x); });
}

}  // namespace HEED_TEST_UNIT
