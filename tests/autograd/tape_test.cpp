// SPDX-License-Identifier: Apache-2.0
#include "heed/autograd/tape.hpp"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>

#include "heed/ops/attention.hpp"
#include "heed/ops/exp.hpp"
#include "heed/ops/linear.hpp"
#include "heed/ops/log.hpp"
#include "heed/ops/lstm.hpp"
#include "heed/ops/operators.hpp"
#include "heed/ops/sum.hpp"
#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

// User-defined operations that use only the public `record`.

/// The sum of the products of a's and b's elements.
template <class Scalar>
Var<Scalar> inner(Var<Scalar> a, Var<Scalar> b) {
  Tape<Scalar>& tape = tape_of("inner", a, b);
  if (a.shape() != b.shape()) fail<ShapeError>("inner", "shapes differ");
  const auto y = tape.allocate({});
  y[0] = 0;
  for (Index i = 0; i < a.rows(); ++i) {
    for (Index j = 0; j < a.cols(); ++j) y[0] += a.value()(i, j) * b.value()(i, j);
  }
  return record(tape, {a, b}, y, [=](const Gradients<Scalar>& g) {
    const auto add = [&](TensorView<Scalar> d, TensorView<const Scalar> other) {
      for (Index i = 0; d && i < d.rows(); ++i) {
        for (Index j = 0; j < d.cols(); ++j) d(i, j) += g.output()[0] * other(i, j);
      }
    };
    add(g(a), b.value());
    add(g(b), a.value());
  });
}

/// factor x.
template <class Scalar>
Var<Scalar> times(Var<Scalar> x, Scalar factor) {
  Tape<Scalar>& tape = x.tape();
  const auto y = tape.allocate(x.shape());
  for (Index i = 0; i < x.rows(); ++i) {
    for (Index j = 0; j < x.cols(); ++j) y(i, j) = factor * x.value()(i, j);
  }
  return record(tape, {x}, y, [=](const Gradients<Scalar>& g) {
    const auto d = g(x);
    for (Index i = 0; d && i < d.rows(); ++i) {
      for (Index j = 0; j < d.cols(); ++j) d(i, j) += factor * g.output()(i, j);
    }
  });
}

template <class Scalar>
bool holds(TensorView<const Scalar> view, std::initializer_list<Scalar> values) {
  return view && view.size() == static_cast<Index>(values.size()) &&
         std::equal(values.begin(), values.end(), view.data());
}

TEST_CASE("constants and variables are copies, parameters are not") {
  Tape<double> tape;
  auto tensor = Tensor<double>::of({{1, 2, 3}, {4, 5, 6}});
  const auto constant = tape.constant(tensor), variable = tape.variable(tensor);
  const auto slice = tape.variable(std::as_const(tensor).view().columns(1, 3));
  Parameter<double> p({2});
  p.value()(1) = 6;
  const auto parameter = tape.parameter(p);
  tensor(0, 1) = 9;
  p.value()(1) = 7;
  CHECK(holds(constant.value(), {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}));
  CHECK(holds(variable.value(), {1.0, 2.0, 3.0, 4.0, 5.0, 6.0}));
  CHECK(holds(slice.value(), {2.0, 3.0, 5.0, 6.0}));
  CHECK(slice.value().contiguous());
  CHECK(holds(parameter.value(), {0.0, 7.0}));
  CHECK((!constant.requires_grad() && variable.requires_grad() && parameter.requires_grad()));
  const auto room = tape.zeros({2});
  const auto in_place = tape.constant_in_place(room);
  room[0] = 3;
  CHECK(holds(in_place.value(), {3.0, 0.0}));
  CHECK(tape.constant(Tensor<double>({3, 0})).shape() == Shape{3, 0});
  CHECK(tape.size() == 6);
}

TEST_CASE("user-defined operations run forward and backward") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>::of({1, 2, 3})), w = tape.constant(Tensor<double>::of({4, 5, 6}));
  const auto loss = inner(times(x, 2.0), w);
  CHECK(loss.item() == 64);
  CHECK(!x.gradient());
  backward(loss);
  CHECK(holds(x.gradient(), {8.0, 10.0, 12.0}));
  CHECK(!w.gradient());
  CHECK(holds(loss.gradient(), {1.0}));
}

TEST_CASE("a value used twice gets the sum of its gradients") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>::of({1, 2, 3}));
  const auto y = times(x, 3.0);
  backward(inner(inner(x, y), inner(y, y)));  // (3 s) (9 s) with s = x . x, slope 2 x 54 s
  const double s = 14;
  for (Index i = 0; i < 3; ++i) CHECK(x.gradient()[i] == Approx(108 * s * x.value()[i]));
}

TEST_CASE("the backward pass starts at the loss and skips values that the loss does not depend on") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>::of({1, 2}));
  const auto unused = times(x, 100.0);
  const auto loss = inner(x, x);
  const auto later = inner(times(x, 5.0), x);
  backward(loss);
  CHECK(holds(x.gradient(), {2.0, 4.0}));
  CHECK(!unused.gradient());
  CHECK(!later.gradient());
  // A loss that depends on nothing.
  backward(tape.constant(1.0));
  CHECK(!x.gradient());
  // A loss that is a variable itself.
  const auto alone = tape.variable(Tensor<double>::scalar(3));
  backward(alone);
  CHECK(holds(alone.gradient(), {1.0}));
}

TEST_CASE("the backward pass requires a loss of one element and a recording tape") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>::of({1, 2}));
  CHECK_THROWS_WITH(backward(x), "backward: wanted a loss of one element, got shape [2]");
  Tape<double> silent({.record = false});
  const auto y = silent.variable(Tensor<double>::of({1, 2}));
  const auto loss = inner(y, y);
  CHECK(loss.item() == 5);
  CHECK(!y.requires_grad());
  CHECK(!loss.requires_grad());
  Parameter<double> p({2});
  p.value()(0) = 1;
  CHECK(!silent.parameter(p).requires_grad());
  CHECK_THROWS_WITH(backward(loss), "backward: the tape was made with record = false");
}

TEST_CASE("a second backward pass resets the gradients of values and adds to those of parameters") {
  Tape<double> tape;
  Parameter<double> p({2});
  p.value() = Tensor<double>::of({1, 2});
  const auto x = tape.variable(Tensor<double>::of({3, 4}));
  const auto w = tape.parameter(p);
  const auto loss = inner(x, w);
  backward(loss);
  CHECK(holds(x.gradient(), {1.0, 2.0}));
  CHECK(holds(w.gradient(), {3.0, 4.0}));
  backward(loss);
  CHECK(holds(x.gradient(), {1.0, 2.0}));
  CHECK(holds<double>(std::as_const(p.gradient()).view(), {6.0, 8.0}));
  // In another step, and twice on one tape.
  tape.clear();
  const auto twice = inner(tape.parameter(p), tape.parameter(p));
  backward(twice);
  CHECK(holds<double>(std::as_const(p.gradient()).view(), {8.0, 12.0}));
  p.zero_gradient();
  CHECK(holds<double>(std::as_const(p.gradient()).view(), {0.0, 0.0}));
}

TEST_CASE("the gradient of an alias is part of the gradient of the viewed value") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>::arange(12).reshaped({3, 4}));
  const auto columns = tape.alias(x, x.value().columns(1, 3));
  const auto corner = tape.alias(columns, columns.value().rows(1, 3).columns(0, 1));  // an alias of an alias
  const auto flat = tape.alias(x, {x.value().data(), {12}});
  CHECK(columns.value()(2, 1) == 10);
  CHECK((corner.value()(0, 0) == 5 && corner.value()(1, 0) == 9));
  CHECK(columns.requires_grad());
  // dL/dx: 1 everywhere, 10 more in the columns, 100 more in the corner.
  const auto ones = [&](const Shape& shape, double value) { return tape.constant(Tensor<double>::full(shape, value)); };
  const auto sums = {inner(flat, ones({12}, 1)), inner(columns, ones({3, 2}, 10)), inner(corner, ones({2, 1}, 100))};
  const auto loss = tape.allocate({});
  loss[0] = 0;
  const auto total = record(
      tape, sums, loss, [a = sums.begin()[0], b = sums.begin()[1], c = sums.begin()[2]](const Gradients<double>& g) {
        for (const auto& part : {a, b, c}) g(part)[0] += g.output()[0];
      });
  backward(total);
  const auto d = x.gradient();
  for (Index i = 0; i < 3; ++i) {
    for (Index j = 0; j < 4; ++j) {
      const bool in_columns = j == 1 || j == 2, in_corner = i >= 1 && j == 1;
      CHECK(d(i, j) == 1 + (in_columns ? 10 : 0) + (in_corner ? 100 : 0));
    }
  }
  CHECK(columns.gradient().row_stride() == 4);
  CHECK(columns.gradient()(2, 0) == 111);
  CHECK(corner.gradient()(0, 0) == 111);
  CHECK(flat.gradient()[11] == 1);
  CHECK(!tape.alias(tape.constant(1.0), tape.constant(1.0).value()).requires_grad());
}

TEST_CASE("operations refuse values of another tape") {
  Tape<double> one, other;
  const auto x = one.variable(Tensor<double>::of({1, 2})), y = other.variable(Tensor<double>::of({1, 2}));
  CHECK_THROWS_WITH(inner(x, y), "inner: inputs on different tapes");
  CHECK_THROWS_WITH(one.backward(inner(y, y)), "tape: a value of another tape, or of none");
  const auto room = one.allocate({});
  CHECK_THROWS_AS(record(one, {x, y}, room, [](const Gradients<double>&) {}), StateError);
  CHECK_THROWS_AS(one.alias(y, y.value()), StateError);
  CHECK(one.size() == 1);
}

TEST_CASE("empty handles among the inputs are skipped, and refused if all inputs are empty") {
  Tape<double> tape, other;
  const auto x = tape.variable(Tensor<double>::of({1, 2}));
  const Var<double> none;
  CHECK(&tape_of("sum", none, x, none) == &tape);
  CHECK_THROWS_WITH(tape_of("sum", none, none), "sum: all inputs are empty handles");
  CHECK_THROWS_WITH(tape_of("sum", none, x, other.constant(1.0)), "sum: inputs on different tapes");
  const auto y = record(tape, {none, x}, tape.zeros({}), [=](const Gradients<double>& g) {
    CHECK(!g(none));
    g(x)[1] += g.output()[0];
  });
  backward(y);
  CHECK(holds(x.gradient(), {0.0, 1.0}));
  CHECK_THROWS_WITH(record(tape, {none, none}, tape.zeros({}), [](const Gradients<double>&) {}),
                    "record: wanted at least one input, got 2 empty handles");
}

TEST_CASE("an operation that throws leaves the tape as it was") {
  Tape<float> tape;
  const auto x = tape.variable(Tensor<float>({3, 4})), w = tape.variable(Tensor<float>({5, 3}));
  const auto v = tape.variable(Tensor<float>({8, 4})), u = tape.variable(Tensor<float>({8, 3}));
  const Segments segments{2, 1};
  const std::size_t before = tape.size();
  CHECK_THROWS_AS(linear(x, w), ShapeError);
  CHECK_THROWS_AS(attention(x, segments, x, x, segments, {.num_heads = 3}), ShapeError);
  CHECK_THROWS_AS(attention(x, segments, x, x, segments, {.mask = Mask::lengths(std::vector<Index>{1})}), ShapeError);
  CHECK_THROWS_AS(lstm<float>(x, segments, {v, u, {}, {}}), ShapeError);
  CHECK_THROWS_AS(inner(x, w), ShapeError);
  CHECK(tape.size() == before);
  const auto loss = inner(x, x);
  backward(loss);
  CHECK(x.gradient().size() == 12);
}

TEST_CASE("a tape reuses its memory, so that a warm step allocates nothing") {
  Tape<float> tape;
  Parameter<float> p({300});
  p.value().array() = 1;
  const Tensor<float> data = Tensor<float>::normal({300}, Random(1));
  const auto step = [&] {
    tape.clear();
    auto x = tape.constant(data);
    for (int i = 0; i < 200; ++i) x = times(x, 1.01f);
    backward(inner(x, tape.parameter(p)));
  };
  step();
  step();
  const std::size_t capacity = tape.capacity(), before = test::allocations();
  for (int i = 0; i < 5; ++i) step();
  CHECK(test::allocations() == before);
  CHECK(tape.capacity() == capacity);
  CHECK(tape.size() == 203);
  tape.clear();
  CHECK(tape.size() == 0);
}

TEST_CASE("rewinding a tape discards the values since the mark, reuses their memory and keeps earlier values") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>::of({1, 2}));
  const auto mark = tape.mark();
  const double* room = nullptr;
  for (int round = 0; round < 3; ++round) {
    const auto y = inner(x, x);
    CHECK(y.item() == 5);
    if (round > 0) CHECK(y.value().data() == room);
    room = y.value().data();
    tape.rewind(mark);
    CHECK(tape.size() == 1);
    CHECK_THROWS_AS(y.value(), StateError);
  }
  backward(inner(x, x));
  CHECK(x.gradient()[1] == 4);
}

TEST_CASE("a computation has the same bits on a new tape and on a cleared one") {
  const Tensor<float> data = Tensor<float>::normal({70}, Random(2));
  const auto run = [&](Tape<float>& tape) {
    const auto x = tape.variable(data);
    backward(inner(times(x, 0.3f), times(x, 1.7f)));
    return Tensor<float>(x.gradient());
  };
  Tape<float> used, fresh;
  run(used);
  used.clear();
  const Tensor<float> a = run(used), b = run(fresh);
  CHECK(std::memcmp(a.data(), b.data(), 70 * sizeof(float)) == 0);
}

TEST_CASE("random streams depend on the options, the step and the order of the requests") {
  const TapeOptions options{.training = true, .random = Random(5)};
  Tape<float> one(options), other(options);
  const auto a = one.next_random().uint64(0), b = one.next_random().uint64(0);
  one.clear();
  const auto c = one.next_random().uint64(0);
  CHECK((a != b && a != c && b != c));
  CHECK(other.next_random().uint64(0) == a);
  CHECK(other.next_random().uint64(0) == b);
  other.clear();
  CHECK(other.next_random().uint64(0) == c);
  CHECK(one.step() == 1);
  Tape<float> resumed(options);
  resumed.next_random();
  const Var<float> stale = resumed.constant(1);
  resumed.set_step(one.step());
  CHECK(resumed.step() == 1);
  CHECK(resumed.next_random().uint64(0) == c);
  CHECK_THROWS_AS(stale.value(), StateError);
  CHECK(one.training());
  CHECK((!Tape<float>().training() && Tape<float>().recording()));
}

TEST_CASE("the executor of a tape is the given one, or a serial one") {
  Executor mine;
  CHECK(&Tape<float>({.executor = &mine}).executor() == &mine);
  Tape<float> tape;
  CHECK(tape.executor().threads() == 1);
}

TEST_CASE("data kept for a backward function lives as long as the values") {
  Tape<double> tape;
  const Index* kept;
  SegmentsView view;
  {
    const std::vector<Index> items{3, 1, 2};
    kept = tape.keep(std::span<const Index>(items));
    view = tape.keep(Segments{2, 0, 5});
  }
  for (int i = 0; i < 100; ++i) tape.constant(Tensor<double>({500}));
  CHECK((kept[0] == 3 && kept[1] == 1 && kept[2] == 2));
  CHECK((view.count == 3 && view.tokens() == 7 && view.max_length == 5 && view.length(2) == 5 && view.order[0] == 2));
  CHECK(tape.allocate_array<int>(3) != nullptr);
}

/// Returns the text of check_finite's error without the line, which changes with the header; "finite" if none is
/// thrown.
template <class Scalar>
std::string not_finite(const Tape<Scalar>& tape) {
  try {
    tape.check_finite();
  } catch (const Error& error) {
    std::string text = error.what();
    const auto colon = text.find("pp:");
    return colon == std::string::npos ? text : text.erase(colon + 2, text.find(' ', colon) - colon - 2);
  }
  return "finite";
}

TEST_CASE("check_finite names the first operation whose output is not finite") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>::of({{1, 2, 3}, {4, -5, 6}}));
  CHECK(not_finite(tape) == "finite");
  const auto y = sum(exp(log(x * 2.0)));  // the logarithm of -10
  CHECK(std::isnan(y.item()));
  CHECK(not_finite(tape).starts_with("check_finite: value 2 of 6, the output of log.hpp of shape [2, 3], is "));
  CHECK(not_finite(tape).ends_with("nan in row 1, column 1"));

  tape.clear();
  const auto powers = exp(tape.constant(Tensor<double>::of({{1, 1000}})));
  linear(powers, powers);
  CHECK(not_finite(tape) ==
        "check_finite: value 1 of 3, the output of exp.hpp of shape [1, 2], is inf in row 0, column 1");
  tape.clear();
  const auto large = tape.constant(Tensor<double>::full({1, 2}, 1e200));
  linear(large, large);
  CHECK(not_finite(tape) ==
        "check_finite: value 1 of 2, the output of linear.hpp of shape [1, 1], is inf in row 0, column 0");
}

TEST_CASE("check_finite names the file and line of a user's operation") {
  Tape<float> tape({.record = false});
  const auto x = tape.variable(Tensor<float>::of({1, 2}));
  times(times(x, 1e30f), 1e30f);
  const std::string path = std::source_location::current().file_name();
  const std::string file = path.substr(path.rfind('/') + 1);
  CHECK(not_finite(tape) ==
        "check_finite: value 2 of 3, the output of " + file + " of shape [2], is inf in row 0, column 0");
  CHECK_THROWS_WITH(tape.check_finite(), Catch::Contains(file + ":"));
}

TEST_CASE("check_finite says that a value was given to the tape") {
  constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
  Tape<double> tape;
  Parameter<double> p({2, 3});
  p.value()(1, 2) = std::numeric_limits<double>::infinity();
  times(tape.parameter(p), 2.0);
  CHECK(not_finite(tape) == "check_finite: value 0 of 2, a parameter of shape [2, 3], is inf in row 1, column 2");
  tape.clear();
  const Tensor<double> wide = Tensor<double>::of({{1, not_a_number}, {2, 3}});
  tape.constant(wide.view().columns(0, 1));
  CHECK(not_finite(tape) == "finite");
  tape.variable(wide.view().columns(0, 2));
  CHECK(not_finite(tape).starts_with("check_finite: value 1 of 2, a constant or variable of shape [2, 2], is "));
}

}  // namespace HEED_TEST_UNIT
