// SPDX-License-Identifier: Apache-2.0
// The bits of a row's result and input gradient do not depend on the other rows.
#include "heed/ops/layer_norm.hpp"
#include "heed/ops/linear.hpp"
#include "heed/ops/log_softmax.hpp"
#include "heed/ops/softmax.hpp"
#include "properties/check.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::test;

/// Compares `map(tape, x)` of a random [rows, cols] array with that of some of its rows.
template <class Scalar, class Map>
void row_by_row(Index cols, const Map& map) {
  const Index rows = between(1, 220);
  const Tensor<Scalar> x = numbers<Scalar>({rows, cols});
  Tensor<Scalar> y, dx, cotangent;
  const auto run = [&](const Tensor<Scalar>& input, Index begin) {
    Tape<Scalar> tape;
    const auto in = tape.variable(input);
    const Var<Scalar> out = map(tape, in);
    if (cotangent.size() == 0) cotangent = numbers<Scalar>(out.shape());
    backward_from<Scalar>({{out, rows_of(cotangent, begin, begin + input.rows())}});
    return std::pair(Tensor<Scalar>(out.value()), gradient_of(in));
  };
  std::tie(y, dx) = run(x, 0);
  for (int i = 0; i < 4; ++i) {
    const Index begin = between(0, rows - 1), end = between(begin + 1, std::min(rows, begin + 10));
    const auto [part, d_part] = run(rows_of(x, begin, end), begin);
    RC_ASSERT(same_bits(part, rows_of(y, begin, end)));
    RC_ASSERT(same_bits(d_part, rows_of(dx, begin, end)));
  }
}

template <class Scalar>
void linear_rows() {
  const Index in = between(1, 70), out = between(1, 70);
  const auto w = numbers<Scalar>({out, in}), b = numbers<Scalar>({out});
  const auto kind = *rc::gen::element(Activation::identity, Activation::tanh, Activation::silu, Activation::gelu);
  row_by_row<Scalar>(in, [&](auto& tape, auto x) { return linear(x, tape.constant(w), tape.constant(b), kind); });
}

template <class Scalar>
void layer_norm_rows() {
  const Index cols = between(1, 70);
  const auto w = numbers<Scalar>({cols}), b = numbers<Scalar>({cols});
  row_by_row<Scalar>(cols, [&](auto& tape, auto x) { return layer_norm(x, tape.constant(w), tape.constant(b)); });
}

template <class Scalar>
void softmax_rows() {
  const bool logarithm = *rc::gen::arbitrary<bool>();
  row_by_row<Scalar>(between(1, 70), [&](auto&, auto x) { return logarithm ? log_softmax(x) : softmax(x); });
}

TEST_CASE("a row of linear does not depend on its batch, forward or backward") {
  check_holds(linear_rows<float>, linear_rows<double>);
}

TEST_CASE("a row of layer_norm does not depend on its batch, forward or backward") {
  check_holds(layer_norm_rows<float>, layer_norm_rows<double>);
}

TEST_CASE("a row of softmax does not depend on its batch, forward or backward") {
  check_holds(softmax_rows<float>, softmax_rows<double>);
}

}  // namespace HEED_TEST_UNIT
