// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/detail/gradient_sink.hpp"

#include <catch2/catch.hpp>
#include <limits>

namespace HEED_TEST_UNIT {

using namespace heed;

namespace {

using Sink = detail::GradientSink<double>;

/// Runs `check` twice as the backward function of an operation on x, and fills x's gradient with NaN in between.
template <class Check>
void in_backward(Tape<double>& tape, Var<double> x, const Check& check) {
  const Var<double> loss = record(tape, {x}, tape.zeros({}), [=, &check](const Gradients<double>& g) { check(g); });
  backward(loss);
  if (const auto g = x.gradient()) {
    for (Index i = 0; i < g.rows(); ++i) {
      std::fill_n(const_cast<double*>(g.row(i)), g.cols(), std::numeric_limits<double>::quiet_NaN());
    }
  }
  backward(loss);
}

bool zeros(TensorView<const double> view) {
  for (Index i = 0; i < view.rows(); ++i) {
    for (Index j = 0; j < view.cols(); ++j) {
      if (view(i, j) != 0) return false;
    }
  }
  return true;
}

}  // namespace

TEST_CASE("the gradient of a whole array is fresh once and added to afterwards") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>({3, 2}));
  in_backward(tape, x, [&](const Gradients<double>& g) {
    const Sink first(g, x);
    CHECK(first.fresh());
    CHECK(first.view().shape() == Shape{3, 2});
    std::fill_n(first.view().data(), 6, 5.0);
    const Sink second(g, x);
    CHECK(!second.fresh());
    CHECK(second.view().data() == first.view().data());
    second.zero_rows(0, 3);
    CHECK(second.view()(2, 1) == 5);
  });
}

TEST_CASE("the gradient of a part of an array is zeroed before it is written") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>({3, 4}));
  const auto part = tape.alias(x, x.value().columns(1, 3));
  in_backward(tape, x, [&](const Gradients<double>& g) {
    const Sink sink(g, part);
    CHECK(!sink.fresh());
    CHECK(zeros(g(x)));
    CHECK(sink.view().data() == g(x).data() + 1);
  });
}

TEST_CASE("zero_rows zeroes whole rows of an array when the input is a part of them") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>({3, 4}));
  const auto part = tape.alias(x, x.value().columns(1, 3));
  in_backward(tape, x, [&](const Gradients<double>& g) {
    REQUIRE(Sink::has_array_rows(g, part));
    const Sink sink(g, part, Sink::Clearing::rows), whole(g, x, Sink::Clearing::rows);
    CHECK(sink.fresh());
    CHECK(!whole.fresh());  // the first of the two zeroes it
    std::fill_n(whole.view().data(), 12, 7.0);
    sink.zero_rows(1, 3);
    CHECK(zeros(whole.view().rows(1, 3)));
    CHECK(whole.view()(0, 0) == 7);
  });
}

TEST_CASE("a part has the rows of its array if it consists of columns of all rows") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>({4, 6}));
  const auto view = x.value();
  const auto columns = tape.alias(x, view.columns(2, 6)), rows = tape.alias(x, view.rows(1, 3));
  const auto reshaped = tape.alias(x, {view.data(), {8, 3}});
  const auto constant = tape.constant(Tensor<double>({2, 2}));
  in_backward(tape, x, [&](const Gradients<double>& g) {
    CHECK(Sink::has_array_rows(g, x));
    CHECK(Sink::has_array_rows(g, columns));
    CHECK(!Sink::has_array_rows(g, rows));
    CHECK(!Sink::has_array_rows(g, reshaped));
    CHECK(Sink::has_array_rows(g, constant));  // it needs no gradient
  });
}

TEST_CASE("the sink of an input that needs no gradient is empty") {
  Tape<double> tape;
  const auto x = tape.variable(Tensor<double>({2})), constant = tape.constant(Tensor<double>({2}));
  Parameter<double> p({2});
  p.value() = Tensor<double>::zeros({2});
  const auto parameter = tape.parameter(p);
  in_backward(tape, x, [&](const Gradients<double>& g) {
    for (const Sink& sink : {Sink(), Sink(g, constant), Sink(g, Var<double>())}) {
      CHECK(!sink.view());
      CHECK(!sink.fresh());
      sink.zero_rows(0, 2);
    }
    CHECK(!Sink(g, parameter).fresh());  // the gradient of a parameter is added to
    CHECK(Sink(g, parameter).view().data() == p.gradient().data());
    CHECK(!Sink(g(x)).fresh());
  });
}

}  // namespace HEED_TEST_UNIT
