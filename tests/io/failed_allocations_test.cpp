// SPDX-License-Identifier: Apache-2.0
// Lets every single allocation of a training step, a save and a load fail: nothing leaks, and nothing is half done.
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <exception>
#include <optional>

#include "heed/data/batch.hpp"
#include "heed/io/training_checkpoint.hpp"
#include "heed/nn/init.hpp"
#include "heed/nn/linear.hpp"
#include "heed/optim/lazy_adam.hpp"
#include "heed/recsys/models/any.hpp"
#include "heed/recsys/task.hpp"
#include "io/temporary.hpp"
#include "recsys/small_logs.hpp"
#include "support/allocations.hpp"
#include "support/same_bits.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using Model = recsys::AnyRecommender<float>;

Model make(std::uint64_t seed) {
  recsys::NextItemOptions options{.num_items = 6, .embed_dim = 4, .max_length = 9};
  options.loss = {.kind = recsys::NextItemLoss::Kind::sampled_softmax, .negatives = 2};
  Model model(options, {recsys::SASRecEncoderOptions{.num_blocks = 1, .num_heads = 2, .feedforward_dim = 4}});
  nn::initialize(model, Random(seed));
  return model;
}

std::vector<Tensor<float>> values(Model& model) {
  std::vector<Tensor<float>> out;
  for (const auto& named : nn::parameters(model)) out.push_back(std::as_const(*named.parameter).value());
  return out;
}

bool same(const std::vector<Tensor<float>>& a, const std::vector<Tensor<float>>& b) {
  return std::ranges::equal(a, b, [](const auto& x, const auto& y) { return test::same_bits(x, y); });
}

struct Training {
  Model model = make(1);
  ParameterList<float> parameters = nn::parameters(model);
  optim::LazyAdam<float> adam{parameters, optim::under("items"), {.learning_rate = 0.01}};

  /// On a new tape, so that every allocation of a first step is made.
  void step(const data::Batch& batch) {
    Tape<float> tape;
    tape.clear();
    backward(model.loss(tape, batch));
    adam.step();
  }
};

TEST_CASE("a training step of which any allocation fails is not taken, and can be repeated", "[io][faults]") {
  // The first step uses few rows of the item table; the others lack it when the second step reads them.
  const data::Batch batches[] = {test::batch_of_all(test::circle_log(1, 6, 2), false),
                                 test::batch_of_all(test::circle_log(3, 6, 4), false)};
  Training sound, failing;
  for (const int i : {0, 1, 0, 1}) {
    sound.step(batches[i]);
    const Index steps = failing.adam.steps();
    const std::size_t failed = test::fail_each_allocation([&] { failing.step(batches[i]); },
                                                          [&] {
                                                            CHECK(failing.adam.steps() == steps);
                                                            for (const auto& named : failing.parameters) {
                                                              named.parameter->zero_gradient();
                                                            }
                                                          });
    if (!test::allocations_counted) return;
    CHECK(failed > 5);
    CHECK(failing.adam.steps() == steps + 1);
  }
  sound.adam.catch_up();
  failing.adam.catch_up();
  CHECK(same(values(sound.model), values(failing.model)));
}

// nlohmann-json's destructor of a document allocates, so that these tests save and load modules, whose files are
// written and read without one.
const std::map<std::string, std::string> metadata{{"note", "a text too long to be stored inside of a string"}};

TEST_CASE("a save of which any allocation fails leaves the old file and nothing else", "[io][faults]") {
  const temporary::Folder folder;
  const std::string path = folder.file("a model with a long name.safetensors");
  const Model old = make(1), changed = make(2);
  io::save(old, path, metadata);
  const std::string bytes = temporary::read_bytes(path);
  std::size_t held = 0;
  const std::size_t failed = test::fail_each_allocation(
      [&] {
        held = test::held_bytes();
        io::save(changed, path, metadata);
        test::fail_allocation(0);  // the C library may have managed without the memory that it was refused
        io::save(old, path, metadata);
      },
      [&] {
        CHECK(test::held_bytes() == held);
        CHECK(temporary::read_bytes(path) == bytes);
        CHECK(folder.entries() == 1);
      });
  if (!test::allocations_counted) return;
  CHECK(failed > 20);
}

TEST_CASE("a load of which any allocation fails leaves the module unchanged", "[io][faults]") {
  const temporary::Folder folder;
  const std::string path = folder.file("a model with a long name.safetensors");
  const std::string other = folder.file("another model with a long name.safetensors");
  io::save(make(1), path, metadata);
  io::save(make(2), other, metadata);
  Model model = make(1);
  const auto before = values(model);
  std::size_t held = 0;
  const std::size_t failed = test::fail_each_allocation(
      [&] {
        held = test::held_bytes();
        io::load(model, other);
        test::fail_allocation(0);  // the C library may have managed without the memory that it was refused
        io::load(model, path);
      },
      [&] {
        CHECK(test::held_bytes() == held);
        CHECK(same(values(model), before));
      });
  if (!test::allocations_counted) return;
  CHECK(failed > 20);
}

TEST_CASE("a load of which any allocation fails loads no part of a new module", "[io][faults]") {
  const temporary::Folder folder;
  const std::string path = folder.file("a model with a long name.safetensors");
  const nn::LinearOptions options{.in_features = 3, .out_features = 2};
  nn::Linear<float> saved(options);
  nn::initialize(saved, Random(1));
  io::save(saved, path, metadata);
  std::optional<nn::Linear<float>> layer;
  const std::size_t failed = test::fail_each_allocation(
      [&] {
        layer.reset();
        layer.emplace(options);
        io::load(*layer, path);
      },
      [&] { CHECK_FALSE((layer && (layer->weight.initialized() || layer->bias.initialized()))); });
  if (!test::allocations_counted) return;
  CHECK(failed > 20);
}

TEST_CASE("a checkpoint of which any allocation of its loading fails leaves the training unchanged", "[io][faults]") {
  if (!test::allocations_counted) return;
  const temporary::Folder folder;
  const std::string path = folder.file("a checkpoint with a long name.safetensors");
  const auto log = test::circle_log(3, 6, 4);
  const recsys::Task task(log, {.next_basket = false, .k = 2});
  const recsys::TrainOptions options{.batch_size = 2, .max_epochs = 2};
  {
    Model model = make(2);
    auto training = recsys::training_of(model, task, options);
    auto hooks = recsys::hooks_of(model, task);
    hooks.on_step = [&](const recsys::TrainProgress& progress) {
      if (progress.epoch == 2) io::save_checkpoint(training, path);
      return progress.epoch < 2;
    };
    training.run(hooks);
  }
  Model model = make(1);
  const auto before = values(model);
  auto training = recsys::training_of(model, task, options);
  enum End : int { good, changed, loaded, terminated };
  /// Loads with the n-th allocation failing.
  const auto end_of = [&](std::size_t n) {
    const std::size_t start = test::allocations();
    test::fail_allocation(n);
    bool failed = false;
    try {
      io::load_checkpoint(training, path);
    } catch (const std::exception&) {
      failed = true;
    }
    const bool reached = test::allocations() - start >= n;
    test::fail_allocation(0);
    if (!failed) return reached ? good : loaded;  // the C library may have managed without
    const bool same_state = training.optimizer().steps() == 0 && training.report().epochs.empty() &&
                            training.position().batches == 0 && training.best_weights().empty();
    return same_state && same(values(model), before) ? good : changed;
  };
  // In a child process each, as nlohmann-json's destructor of a document ends the program when it cannot allocate.
  int ends[4] = {0, 0, 0, 0};
  for (std::size_t n = 1; ends[loaded] == 0; ++n) {
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      std::set_terminate([] { ::_exit(terminated); });
      ::_exit(end_of(n));
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    ++ends[WEXITSTATUS(status)];
  }
  CHECK(ends[good] > 100);
  CHECK(ends[changed] == 0);
}

}  // namespace HEED_TEST_UNIT
