// SPDX-License-Identifier: Apache-2.0
#include "heed/optim/lazy_adam.hpp"

#include "heed/ops/add.hpp"
#include "heed/ops/gather.hpp"
#include "heed/ops/linear.hpp"
#include "heed/ops/sampled_loss.hpp"
#include "heed/ops/sum.hpp"
#include "heed/optim/clip.hpp"
#include "optim/support.hpp"
#include "support/allocations.hpp"
#include "support/backwards.hpp"
#include "support/same_bits.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using optim::Adam;
using optim::AdamOptions;
using optim::LazyAdam;
using optim::under;
using test::Model;
using test::same_bits;

struct DenseAdam : Adam<float> {
  DenseAdam(const ParameterList<float>& list, const AdamOptions& options, bool decoupled)
      : Adam<float>("adam", list, options, decoupled) {}
};

/// The rows that step t uses: some steps use none. Row 2 stays zero; -1 is ignored.
std::vector<Index> rows_of(std::uint64_t t, Index rows) {
  std::vector<Index> out;
  const Random random = Random(5).fork(t);
  for (std::uint64_t i = 0; i < t % 5; ++i) out.push_back(random.below(i, rows + 1) - 1);
  return out;
}

/// Fills the gradients of the used rows and of all other parameters.
void fill_gradients(Model& model, std::uint64_t t, const std::vector<Index>& rows) {
  model.fill_gradients(t);
  const Tensor<float> all = model.table.gradient();
  model.table.zero_gradient();
  for (const Index row : rows) {
    if (row >= 0) model.table.gradient().matrix().row(row) = all.matrix().row(row);
  }
}

struct Setting {
  double decay;
  bool decoupled;
};
constexpr Setting settings[] = {{0, false}, {0.1, false}, {0.1, true}};

/// Runs `steps` of LazyAdam and Adam with changing rates, and calls `look(t, lazy, model, dense model)` after each.
template <class Look>
void compare(const Setting& setting, Index rows, Index steps, Executor* executor, const Look& look) {
  INFO("decay " << setting.decay << ", decoupled " << setting.decoupled);
  Model a(rows), b(rows);
  const AdamOptions options{.weight_decay = setting.decay, .executor = executor};
  LazyAdam<float> lazy(a.list(), under("table"), options, setting.decoupled);
  DenseAdam dense(b.list(), options, setting.decoupled);
  for (Index t = 0; t < steps; ++t) {
    for (auto* adam : std::initializer_list<Adam<float>*>{&lazy, &dense}) {
      adam->set_learning_rate(0.01 * (1 + std::sin(static_cast<double>(t))));
    }
    const auto used = rows_of(static_cast<std::uint64_t>(t), rows);
    a.table.row_updates()->prepare(used);
    for (const Index row : used) {
      if (row >= 0) REQUIRE(a.table.value().matrix().row(row) == b.table.value().matrix().row(row));
    }
    fill_gradients(a, static_cast<std::uint64_t>(t), used);
    fill_gradients(b, static_cast<std::uint64_t>(t), used);
    lazy.step();
    dense.step();
    CHECK((a.table.gradient().array() == 0.0f).all());
    look(t, lazy, a, b);
  }
  CHECK(!same_bits(a.table.value(), b.table.value()));  // some rows must lack steps here
  lazy.catch_up();
  const auto state = lazy.state(), dense_state = dense.state();
  for (std::size_t i = 0; i < state.size(); ++i) {
    INFO(state[i].name);
    CHECK(state[i].name == dense_state[i].name);
    CHECK(same_bits(*state[i].value, *dense_state[i].value));
  }
  for (std::size_t i = 0; i < a.list().size(); ++i) {
    CHECK(same_bits(a.list()[i].parameter->value(), b.list()[i].parameter->value()));
  }
}

TEST_CASE("LazyAdam has the bits of Adam after catch_up, for any rows used and changing rates") {
  for (const Setting& setting : settings) {
    compare(setting, 7, 23, nullptr, [](auto&&...) {});
    compare(setting, 150, 400, nullptr, [](auto&&...) {});
    compare(setting, 150, 99, nullptr, [](Index t, auto& lazy, Model& a, Model& b) {  // also catches up in between
      if (t % 10 != 3) return;
      lazy.catch_up();
      CHECK(same_bits(a.table.value(), b.table.value()));
    });
  }
}

TEST_CASE("LazyAdam has the same bits with every executor") {
  test::Backwards backwards;
  compare(settings[0], 300, 50, &backwards, [](auto&&...) {});
}

TEST_CASE("LazyAdam updates the rows that operations read") {
  // Both models run the same operations: on rows, on the whole table, on both, and with a value without a gradient.
  Model a(40), b(40);
  LazyAdam<float> lazy(a.list(), under("table"));
  Adam<float> dense(b.list());
  const std::vector<Index> targets = {4, -100, 9}, negatives = {11, 4};
  const auto step = [&](Model& model, Adam<float>& adam, Index t) {
    Tape<float> tape;
    const auto x = tape.constant(Tensor<float>::normal({3, 5}, Random(3).fork(static_cast<std::uint64_t>(t))));
    const auto table = tape.parameter(model.table);
    const auto taken = gather(table, {t % 40, 3, -1, 3});
    auto loss = sampled_loss(x, table, {}, targets, Negatives::of_batch(negatives));
    if (t % 4 == 1) loss = add(loss, sum(taken));
    if (t % 7 == 6) loss = add(loss, sum(linear(x, table, {})));
    backward(loss);
    const double norm = optim::clip_gradient_norm(model.list(), 0.5);
    adam.step();
    return norm;
  };
  for (Index t = 0; t < 30; ++t) {
    INFO(t);
    CHECK(step(a, lazy, t) == step(b, dense, t));
    CHECK(a.table.row_updates()->up_to_date() == (t % 7 == 6));
    for (const Index row : {4, 9, 11, 3}) {
      CHECK(a.table.value().matrix().row(row) == b.table.value().matrix().row(row));
    }
  }
  CHECK(!same_bits(a.table.value(), b.table.value()));
  lazy.catch_up();
  CHECK(same_bits(a.table.value(), b.table.value()));
}

TEST_CASE("LazyAdam's stale values cannot be used by a tape that does not record") {
  Model model(40);
  LazyAdam<float> lazy(model.list(), under("table"));
  Tape<float> tape({.record = false});
  tape.parameter(model.table);
  const Index one[] = {1};
  model.table.row_updates()->prepare(one);
  lazy.step();
  CHECK(test::error_of([&] { tape.parameter(model.table); }) ==
        "tape: rows of a parameter are not up to date: call the optimiser's catch_up() before evaluation");
  lazy.catch_up();
  tape.parameter(model.table);
}

TEST_CASE("LazyAdam's destructor catches up and releases the parameters") {
  Model a(40), b(40);
  {
    LazyAdam<float> lazy(a.list(), under("table"), {.weight_decay = 0.1});
    Adam<float> dense(b.list(), {.weight_decay = 0.1});
    Model moved = std::move(a);  // the modules that own the parameters may be moved
    a = std::move(moved);
    for (int t = 0; t < 3; ++t) {
      lazy.step();
      dense.step();
    }
    CHECK(!same_bits(a.table.value(), b.table.value()));
  }
  CHECK(same_bits(a.table.value(), b.table.value()));
  CHECK(a.table.row_updates() == nullptr);
}

TEST_CASE("a warm step of LazyAdam allocates nothing") {
  test::Backwards backwards;
  Model model(700);
  LazyAdam<float> lazy(model.list(), under("table"), {.executor = &backwards});
  const auto steps = [&] {
    for (Index t = 0; t < 20; ++t) {
      model.table.row_updates()->prepare(std::vector<Index>{});
      const Index rows[] = {t, 2 * t, 699};
      model.table.row_updates()->prepare(rows);
      if (t == 7) model.table.row_updates()->prepare_all();
      lazy.step();
    }
    lazy.catch_up();
  };
  steps();
  const std::size_t before = test::allocations();
  steps();
  CHECK(test::allocations() == before);
}

TEST_CASE("LazyAdam without tables is Adam, keeps frozen tables and refuses invalid options") {
  Model a, b, c;
  LazyAdam<float> lazy(a.list(), {});
  Adam<float> dense(b.list());
  a.fill_gradients(1);
  b.fill_gradients(1);
  lazy.step();
  dense.step();
  CHECK(same_bits(a.table.value(), b.table.value()));
  LazyAdam<float> frozen(c.list(), [](auto path, auto&) { return path != "head.bias"; },
                         {.groups = {optim::frozen("table")}});
  CHECK(c.table.row_updates() == nullptr);
  CHECK(c.weight.row_updates() != nullptr);
  CHECK(test::error_of([&] { LazyAdam<float>(a.list(), under("tables")); }) ==
        "lazy_adam: tables matches no parameter");
  CHECK(test::error_of([&] { LazyAdam<float>(c.list(), under("head")); }) ==
        "lazy_adam: head.weight is already updated by another LazyAdam");
  CHECK(test::error_of([&] { LazyAdam<float>(a.list(), {}, {.beta1 = 1}); }) ==
        "lazy_adam: beta1 1.000000 is not in [0, 1)");
}

}  // namespace HEED_TEST_UNIT
