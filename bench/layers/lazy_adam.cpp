// SPDX-License-Identifier: Apache-2.0
// A step of Adam where 5,000 rows of a table of 1,000,000 x 64 have gradients. Bytes: those of dense Adam, four values
// read and written per element of the table, so that the GB/s of the lazy cases include the work that they avoid.
#include "heed/optim/lazy_adam.hpp"

#include <benchmark/benchmark.h>

#include "heed/optim/adam.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

struct Table {
  static constexpr Index items = 1000000, width = 64, count = 5000;
  Parameter<float> table{{items, width}};
  std::vector<Index> rows = std::vector<Index>(count);
  std::uint64_t drawn = 0;

  Table() { std::fill_n(table.value().data(), table.size(), 0.02f); }

  /// Sets the gradients of a batch of rows, drawn uniformly or, if `popular`, item i with a probability of about 1 / i.
  void touch(bool popular) {
    const Random random = Random(1).fork(drawn++);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      rows[i] = popular ? static_cast<Index>(std::pow(static_cast<double>(items), random.uniform(i))) - 1
                        : random.below(i, items);
    }
    if (table.row_updates() != nullptr) table.row_updates()->prepare(rows);
    for (const Index row : rows) table.gradient().matrix().row(row).setConstant(0.01f);
  }
};

/// `before`: steps before the measurement; `caught`: number of steps per measured iteration, followed by catch_up.
template <class Optimizer>
void step(benchmark::State& state, Table& t, Optimizer& adam, bool popular, int before = 0, int caught = 1) {
  const auto one = [&] {
    t.touch(popular);
    adam.step();
  };
  for (int i = 0; i < before; ++i) one();
  bench::measure_bytes(state, 32.0 * Table::items * Table::width * caught, [&] {
    for (int i = 0; i < caught; ++i) one();
    if (caught > 1) adam.catch_up();
  });
}

void adam_of_a_million_rows(benchmark::State& state) {
  Table t;
  optim::Adam<float> adam({{"t", &t.table}});
  step(state, t, adam, false);
}
void lazy_adam_uniform(benchmark::State& state) {
  Table t;
  optim::LazyAdam<float> adam({{"t", &t.table}}, optim::under("t"));
  step(state, t, adam, false, 600);
}
void lazy_adam_popular(benchmark::State& state) {
  Table t;
  optim::LazyAdam<float> adam({{"t", &t.table}}, optim::under("t"));
  step(state, t, adam, true, 600);
}
void lazy_adam_uniform_200_steps_and_catch_up(benchmark::State& state) {
  Table t;
  optim::LazyAdam<float> adam({{"t", &t.table}}, optim::under("t"));
  step(state, t, adam, false, 0, 200);
}
BENCHMARK(adam_of_a_million_rows)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(lazy_adam_uniform)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(lazy_adam_popular)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(lazy_adam_uniform_200_steps_and_catch_up)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
