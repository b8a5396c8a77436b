// SPDX-License-Identifier: Apache-2.0
#include "heed/optim/clip.hpp"

#include <limits>

#include "heed/optim/lazy_adam.hpp"
#include "optim/support.hpp"
#include "parity/fixture.hpp"
#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("clipping agrees with PyTorch") {
  for (const char* name : {"clip_grad_norm_above", "clip_grad_norm_below"}) {
    INFO(name);
    const parity::Fixture fixture(name);
    Parameter<double> a({4, 3}), b(Shape{5});
    const auto read = [&](const char* key, Tensor<double>& to) {
      const auto values = fixture.tensor(key).values;
      REQUIRE(static_cast<Index>(values.size()) == to.size());
      std::copy(values.begin(), values.end(), to.data());
    };
    const auto agrees = [&](const Tensor<double>& got, const char* key) {
      return parity::relative_error(std::span(got.data(), static_cast<std::size_t>(got.size())),
                                    fixture.tensor(key).values) <= 1e-10;
    };
    read("in.grad_a", a.gradient());
    read("in.grad_b", b.gradient());
    const ParameterList<double> list = {{"a", &a}, {"b", &b}};
    const double norm = optim::clip_gradient_norm(list, std::stod(fixture.option("max_norm")));
    CHECK(agrees(Tensor<double>::scalar(norm), "out.norm"));
    CHECK(agrees(a.gradient(), "out.grad_a"));
    CHECK(agrees(b.gradient(), "out.grad_b"));
  }
}

TEST_CASE("the gradient norm excludes the row that stays zero") {
  Parameter<float> table({3, 2}, 1);
  table.gradient() = Tensor<float>::of({{3, 0}, {100, 100}, {0, 4}});
  CHECK(optim::clip_gradient_norm(ParameterList<float>{{"table", &table}}, 1.0) == 5.0);
  CHECK(table.gradient()(0, 0) == Approx(0.6));
  CHECK(table.gradient()(1, 0) == 0.0f);
  CHECK(table.gradient()(2, 1) == Approx(0.8));
}

TEST_CASE("of a table with row updates only the prepared rows are counted and scaled") {
  Parameter<float> table({4, 2});
  optim::LazyAdam<float> adam(ParameterList<float>{{"table", &table}}, optim::under("table"));
  const Index rows[] = {2, 1};
  table.row_updates()->prepare(rows);
  table.gradient() = Tensor<float>::of({{9, 9}, {3, 0}, {0, 4}, {9, 9}});
  CHECK(optim::clip_gradient_norm(ParameterList<float>{{"table", &table}}, 1.0) == 5.0);
  CHECK(table.gradient()(1, 0) == Approx(0.6));
  CHECK(table.gradient()(2, 1) == Approx(0.8));
  CHECK(table.gradient()(0, 0) == 9.0f);
  CHECK(table.gradient()(3, 1) == 9.0f);
}

TEST_CASE("a maximum norm of 0 clears the gradients") {
  Parameter<float> p(Shape{2});
  p.gradient() = Tensor<float>::of({3, -4});
  CHECK(optim::clip_gradient_norm(ParameterList<float>{{"p", &p}}, 0.0) == 5.0);
  CHECK((p.gradient().array() == 0.0f).all());
}

TEST_CASE("gradients that are not finite affect all others, as in PyTorch, or throw before any change") {
  Parameter<float> a(Shape{2}), b(Shape{2});
  const ParameterList<float> list = {{"first", &a}, {"second", &b}};
  const auto reset = [&](float bad) {
    a.gradient() = Tensor<float>::of({1, 2});
    b.gradient() = Tensor<float>::of({3, bad});
  };
  reset(std::numeric_limits<float>::infinity());
  CHECK(std::isinf(optim::clip_gradient_norm(list, 1.0)));
  CHECK(a.gradient()(0) == 0.0f);
  CHECK(std::isnan(b.gradient()(1)));
  reset(std::numeric_limits<float>::quiet_NaN());
  CHECK(std::isnan(optim::clip_gradient_norm(list, 1.0)));
  CHECK(std::isnan(a.gradient()(0)));
  reset(std::numeric_limits<float>::infinity());
  CHECK(test::error_of([&] { optim::clip_gradient_norm(list, 1.0, {.error_if_nonfinite = true}); }) ==
        "clip_gradient_norm: the gradient of second has norm inf");
  CHECK(a.gradient()(0) == 1.0f);
  CHECK(b.gradient()(0) == 3.0f);
}

TEST_CASE("clipping handles gradients whose squares overflow, allocates nothing, and refuses a negative norm") {
  test::Model model(7000);
  const auto list = model.list();
  model.fill_gradients(1);
  model.weight.gradient()(0, 0) = 3e30f;
  const std::size_t before = test::allocations();
  CHECK(optim::clip_gradient_norm(list, 1.0) == Approx(3e30));
  CHECK(test::allocations() == before);
  CHECK(model.weight.gradient()(0, 0) == Approx(1.0));
  CHECK(test::error_of([&] { optim::clip_gradient_norm(list, -1.0); }) ==
        "clip_gradient_norm: max_norm -1.000000 is negative or NaN");
}

}  // namespace HEED_TEST_UNIT
