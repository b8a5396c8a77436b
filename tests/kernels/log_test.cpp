// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/log.hpp"

#include <cmath>

#include "kernels/elementwise_cases.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("log and its gradient match the C library") {
  test::check_elementwise(
      []<class S>(const Shape& shape) { return Tensor<S>::uniform(shape, Random(1), S(0.5), S(4)); },
      []<class Isa, class S>(Index n, const S* x, S* y) { kernels::log_forward<S, Isa>(n, x, y); },
      []<class Isa, class S>(Index n, const S* x, const S*, const S* dy, S* dx) {
        kernels::log_backward<S, Isa>(n, x, dy, dx);
      },
      [](double x) { return std::log(x); }, [](double x) { return 1 / x; });
}

}  // namespace HEED_TEST_UNIT
