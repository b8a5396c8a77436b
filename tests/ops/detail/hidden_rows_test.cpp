// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/detail/hidden_rows.hpp"

#include <catch2/catch.hpp>
#include <limits>

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("a hidden row is cleared for one element that is not finite, wherever it stands") {
  const Segments queries({1, 1}), keys({3, 2});
  const Mask mask = Mask::lengths(std::vector<Index>{2, 2});  // hides row 2
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double bad : {infinity, -infinity, std::numeric_limits<double>::quiet_NaN()}) {
    for (Index column = 0; column < 3; ++column) {
      INFO(bad << " in column " << column);
      Tensor<double> in = Tensor<double>::ones({5, 3});
      in(2, column) = bad;
      in(4, column) = infinity;  // seen
      Tape<double> tape;
      const auto x = tape.variable(in);
      const auto y = detail::clear_hidden_rows("test", x, mask, queries, keys);
      for (Index r = 0; r < 5; ++r) {
        for (Index c = 0; c < 3; ++c) CHECK(y.value()(r, c) == (r == 2 ? 0 : in(r, c)));
      }
      tape.backward(record(tape, {y}, tape.allocate({}), [=](const Gradients<double>& g) {
        for (Index i = 0; i < 15; ++i) g(y)[i] += 7;
      }));
      for (Index i = 0; i < 15; ++i) CHECK(x.gradient()[i] == (i / 3 == 2 ? 0 : 7));
    }
  }
}

TEST_CASE("rows that are finite or seen are not copied") {
  const Segments queries({1, 1}), keys({3, 2});
  const auto same = [&](Index row, const Mask& mask) {
    Tensor<double> in = Tensor<double>::ones({5, 3});
    in(2, 1) = std::numeric_limits<double>::max();
    in(row, 0) = std::numeric_limits<double>::quiet_NaN();
    Tape<double> tape;
    const auto x = tape.variable(in);
    return detail::clear_hidden_rows("test", x, mask, queries, keys).value().data() == x.value().data();
  };
  CHECK(same(1, Mask::lengths(std::vector<Index>{2, 2})));
  CHECK(!same(2, Mask::lengths(std::vector<Index>{2, 2})));
  CHECK(same(2, {}));
}

}  // namespace HEED_TEST_UNIT
