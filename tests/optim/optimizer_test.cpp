// SPDX-License-Identifier: Apache-2.0
#include "heed/optim/optimizer.hpp"

#include <cmath>

#include "heed/optim/adam.hpp"
#include "heed/optim/adamw.hpp"
#include "heed/optim/sgd.hpp"
#include "optim/support.hpp"
#include "support/allocations.hpp"
#include "support/backwards.hpp"
#include "support/same_bits.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using test::same_bits;

namespace {

/// Calls `check(make)` for every optimiser; `make(list, groups, executor)` creates one with momentum and decay.
template <class Check>
void for_every_optimizer(const Check& check) {
  using List = ParameterList<float>;
  using Groups = std::vector<optim::Group>;
  {
    INFO("sgd");
    check([](const List& list, const Groups& groups, Executor* executor) {
      return std::make_unique<optim::Sgd<float>>(
          list,
          optim::SgdOptions{
              .learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.1, .groups = groups, .executor = executor});
    });
  }
  {
    INFO("adam");
    check([](const List& list, const Groups& groups, Executor* executor) {
      return std::make_unique<optim::Adam<float>>(
          list, optim::AdamOptions{.learning_rate = 0.1, .weight_decay = 0.1, .groups = groups, .executor = executor});
    });
  }
  {
    INFO("adamw");
    check([](const List& list, const Groups& groups, Executor* executor) {
      return std::make_unique<optim::AdamW<float>>(
          list, optim::AdamWOptions{.learning_rate = 0.1, .weight_decay = 0.1, .groups = groups, .executor = executor});
    });
  }
}

}  // namespace

TEST_CASE("a step uses the gradients and zeroes them") {
  for_every_optimizer([](const auto& make) {
    test::Model model;
    const auto optimizer = make(model.list(), {}, nullptr);
    model.fill_gradients(1);
    const Tensor<float> before = model.weight.value();
    optimizer->step();
    CHECK(optimizer->steps() == 1);
    for (Index i = 0; i < before.size(); ++i) CHECK(model.weight.value().data()[i] != before.data()[i]);
    for (const auto& named : model.list()) CHECK((named.parameter->gradient().array() == 0.0f).all());
  });
}

TEST_CASE("the row that stays zero is neither updated nor decayed, and its state stays zero") {
  for_every_optimizer([](const auto& make) {
    test::Model model;
    for (Index j = 0; j < 5; ++j) model.table.value()(2, j) = 7.0f;  // decay would change it
    const auto optimizer = make(model.list(), {}, nullptr);
    for (int t = 0; t < 3; ++t) {
      model.fill_gradients(static_cast<std::uint64_t>(t));
      optimizer->step();
    }
    Index others = 0;
    for (Index j = 0; j < 5; ++j) {
      CHECK(model.table.value()(2, j) == 7.0f);
      CHECK(model.table.gradient()(2, j) == 0.0f);
      for (const auto& state : optimizer->state()) {
        if (!state.name.starts_with("table.")) continue;
        CHECK((*state.value)(2, j) == 0.0f);
        if ((*state.value)(1, j) != 0.0f && (*state.value)(3, j) != 0.0f) ++others;
      }
    }
    CHECK(others >= 5);
  });
}

TEST_CASE("optimisers have the same bits with every executor") {
  for_every_optimizer([](const auto& make) {
    test::Backwards backwards;
    test::Model a(7000), b(7000);  // 35000 elements: several chunks
    const auto one = make(a.list(), {}, nullptr), three = make(b.list(), {}, &backwards);
    for (int t = 0; t < 3; ++t) {
      a.fill_gradients(static_cast<std::uint64_t>(t));
      b.fill_gradients(static_cast<std::uint64_t>(t));
      one->step();
      three->step();
    }
    CHECK(same_bits(a.table.value(), b.table.value()));
    CHECK(same_bits(a.weight.value(), b.weight.value()));
    // The comparison alone would accept an optimiser that changes nothing.
    CHECK(!same_bits(a.table.value(), test::Model(7000).table.value()));
  });
}

TEST_CASE("a step allocates nothing") {
  for_every_optimizer([](const auto& make) {
    test::Backwards backwards;
    test::Model model(7000);
    const auto optimizer = make(model.list(), {optim::no_decay_on_vectors()}, &backwards);
    model.fill_gradients(1);
    const std::size_t before = test::allocations();
    optimizer->step();
    CHECK(test::allocations() == before);
  });
}

TEST_CASE("groups scale the rate, replace the decay and freeze, and the first match applies") {
  for_every_optimizer([](const auto& make) {
    test::Model plain, grouped;
    const auto reference = make(plain.list(), {}, nullptr);
    const auto optimizer =
        make(grouped.list(),
             {optim::frozen("head.weight"),
              {.matches = optim::under("head"), .learning_rate_scale = 0.0},
              {.matches = [](std::string_view path, const Shape&) { return path == "table"; }, .weight_decay = 0.0}},
             nullptr);
    const Tensor<float> weight = plain.weight.value(), bias = plain.bias.value();
    plain.fill_gradients(1);
    grouped.fill_gradients(1);
    reference->step();
    optimizer->step();
    CHECK(same_bits(grouped.weight.value(), weight));  // frozen
    CHECK((grouped.weight.gradient().array() == 0.0f).all());
    CHECK(same_bits(grouped.bias.value(), bias));                   // rate 0
    CHECK(!same_bits(grouped.table.value(), plain.table.value()));  // no decay
    for (const auto& state : optimizer->state()) CHECK(!state.name.starts_with("head.weight"));
  });
}

TEST_CASE("a run continued from a saved state equals an uninterrupted run") {
  for_every_optimizer([](const auto& make) {
    test::Model whole, parts;
    const auto uninterrupted = make(whole.list(), {}, nullptr);
    auto optimizer = make(parts.list(), {}, nullptr);
    for (std::uint64_t t = 0; t < 6; ++t) {
      whole.fill_gradients(t);
      uninterrupted->step();
    }
    for (std::uint64_t t = 0; t < 3; ++t) {
      parts.fill_gradients(t);
      optimizer->step();
    }
    std::vector<Tensor<float>> saved;
    for (const auto& state : optimizer->state()) saved.push_back(*state.value);
    REQUIRE(!saved.empty());
    optimizer = make(parts.list(), {}, nullptr);
    auto restored = optimizer->state();
    for (std::size_t i = 0; i < saved.size(); ++i) *restored[i].value = saved[i];
    optimizer->set_steps(3);
    for (std::uint64_t t = 3; t < 6; ++t) {
      parts.fill_gradients(t);
      optimizer->step();
    }
    CHECK(same_bits(parts.weight.value(), whole.weight.value()));
    CHECK(same_bits(parts.table.value(), whole.table.value()));
  });
}

TEST_CASE("an optimiser follows a parameter whose module has moved") {
  Parameter<float> before({2});
  optim::Sgd<float> sgd({{"p", &before}}, {.learning_rate = 1});
  const Parameter<float> after = std::move(before);
  after.gradient().array() = 3.0f;
  sgd.step();
  CHECK(after.value()(1) == -3.0f);
}

TEST_CASE("optimisers refuse invalid options and name them in the error") {
  test::Model model;
  const auto list = model.list();
  const auto sgd = [&](optim::SgdOptions options) { return test::error_of([&] { optim::Sgd<float>(list, options); }); };
  CHECK(sgd({.learning_rate = -1}) == "sgd: learning_rate -1.000000 is negative or not finite");
  CHECK(sgd({.learning_rate = std::nan("")}) == "sgd: learning_rate nan is negative or not finite");
  CHECK(sgd({.weight_decay = -1}) == "sgd: weight_decay -1.000000 is negative or not finite");
  CHECK(sgd({.groups = {{.matches = optim::is_vector, .learning_rate_scale = -2}}}) ==
        "sgd: learning_rate_scale -2.000000 is negative or not finite");
  CHECK(sgd({.groups = {{.matches = optim::is_vector, .weight_decay = -2}}}) ==
        "sgd: weight_decay -2.000000 is negative or not finite");
  CHECK(sgd({.groups = {optim::frozen("head"), optim::frozen("haed")}}) == "sgd: group 1 matches no parameter");
  CHECK(test::error_of([&] { optim::Sgd<float>({}, {}); }) == "sgd: no parameters");
  CHECK(test::error_of([&] {
          optim::Sgd<float>({{"a", &model.bias}, {"b", &model.weight}, {"c", &model.bias}});
        }) == "sgd: a and c are the same parameter");

  optim::Sgd<float> good(list);
  CHECK_THROWS_WITH(good.set_learning_rate(-1), "sgd: learning_rate -1.000000 is negative or not finite");
  CHECK(good.learning_rate() == 1e-3);
  CHECK(test::error_of([&] { good.set_steps(-1); }) == "sgd: steps -1.000000 is negative");
  model.bias.value() = Tensor<float>({9});
  CHECK(test::error_of([&] { good.step(); }) == "sgd: head.bias has 3 elements, its value is now [9]");
  CHECK(good.steps() == 0);
}

}  // namespace HEED_TEST_UNIT
