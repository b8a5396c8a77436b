// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/embedding.hpp"

#include "heed/optim/adamw.hpp"
#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;
using Ids = std::vector<Index>;

bool zero_row(const Tensor<float>& table, Index row) {
  for (Index j = 0; j < table.cols(); ++j) {
    if (table(row, j) != 0) return false;
  }
  return true;
}

TEST_CASE("Embedding: name, shape and initial values") {
  nn::Embedding<double> table({.num_embeddings = 50, .embedding_dim = 20, .standard_deviation = 0.5});
  CHECK(names(table) == Names{"weight"});
  CHECK(table.weight.shape() == Shape{50, 20});
  CHECK(nn::parameter_count(table) == 1000);
  nn::initialize(table, Random(1));
  CHECK(std::abs(table.weight.value().array().mean()) < 0.05);
  CHECK(std::sqrt(table.weight.value().array().square().mean()) == Approx(0.5).epsilon(0.1));
  nn::Embedding<double> standard({.num_embeddings = 50, .embedding_dim = 20});
  nn::initialize(standard, Random(1));
  CHECK(std::sqrt(standard.weight.value().array().square().mean()) == Approx(1).epsilon(0.1));
}

TEST_CASE("Embedding looks up rows in order, repeated rows and no rows") {
  nn::Embedding<float> table({.num_embeddings = 4, .embedding_dim = 2});
  nn::initialize(table, Random(1));
  Tape<float> tape;
  const auto y = table(tape, Ids{3, 0, 3});
  CHECK(y.shape() == Shape{3, 2});
  CHECK(y.value()(0, 1) == table.weight.value()(3, 1));
  CHECK(y.value()(1, 0) == table.weight.value()(0, 0));
  CHECK(y.value()(2, 1) == table.weight.value()(3, 1));
  CHECK(table(tape, Ids{}).shape() == Shape{0, 2});
  backward(sum(y));
  CHECK(table.weight.gradient()(3, 0) == 2);
  CHECK(table.weight.gradient()(0, 0) == 1);
  CHECK(table.weight.gradient()(1, 0) == 0);
}

TEST_CASE("the padding row is zero, gets no gradient and is not updated by any optimiser") {
  nn::Embedding<float> table({.num_embeddings = 4, .embedding_dim = 3, .padding_idx = 2});
  nn::initialize(table, Random(1));
  CHECK(zero_row(table.weight.value(), 2));
  CHECK(!zero_row(table.weight.value(), 1));
  optim::AdamW<float> adam(nn::parameters(table), {.learning_rate = 0.1, .weight_decay = 0.1});
  Tape<float> tape;
  for (int step = 0; step < 3; ++step) {
    tape.clear();
    const auto y = table(tape, Ids{2, 1, 2});
    CHECK(y.value()(0, 0) == 0);
    backward(sum(y));
    CHECK(zero_row(table.weight.gradient(), 2));
    CHECK(!zero_row(table.weight.gradient(), 1));
    adam.step();
  }
  CHECK(zero_row(table.weight.value(), 2));
}

TEST_CASE("Embedding reports invalid arguments") {
  CHECK(error_of<OptionError>([] { nn::Embedding<float>({.num_embeddings = 0, .embedding_dim = 2}); }) ==
        "Embedding: a table of [0, 2] with padding_idx -1");
  CHECK(error_of<OptionError>([] {
          nn::Embedding<float>({.num_embeddings = 3, .embedding_dim = 2, .padding_idx = 3});
        }) == "Embedding: a table of [3, 2] with padding_idx 3");
  Tape<float> tape;
  const nn::Embedding<float> table({.num_embeddings = 4, .embedding_dim = 2});
  CHECK(error_of<IndexError>([&] { table(tape, Ids{0, 4}); }) == "Embedding: id 4 at position 1 of a table of 4");
  CHECK(error_of<IndexError>([&] { table(tape, Ids{-1}); }) == "Embedding: id -1 at position 0 of a table of 4");
}

TEST_CASE("Embedding: const modules train, moves keep parameters in place, warm calls allocate nothing") {
  test::check_const_and_move(nn::Embedding<float>({.num_embeddings = 4, .embedding_dim = 2}),
                             [](const auto& table, auto& tape) {
                               return table(tape, Ids{0, 1, 2, 3});
                             });
  const auto table = initialized(nn::Embedding<float>({.num_embeddings = 4, .embedding_dim = 2, .padding_idx = 0}));
  Tape<float> tape;
  const Ids ids = {3, 0, 1};
  const auto step = [&] {
    tape.clear();
    backward(sum(table(tape, ids)));
  };
  CHECK(test::warm_allocations(step) == 0);
}

}  // namespace HEED_TEST_UNIT
