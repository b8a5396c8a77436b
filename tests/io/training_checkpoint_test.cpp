// SPDX-License-Identifier: Apache-2.0
// A training that continues from a checkpoint ends with the same bits, and a file that does not fit changes nothing.
#include "heed/io/training_checkpoint.hpp"

#include "heed/nn/dropout.hpp"
#include "heed/nn/linear.hpp"
#include "heed/nn/lstm.hpp"
#include "heed/ops/mse_loss.hpp"
#include "heed/ops/sum.hpp"
#include "heed/optim/adamw.hpp"
#include "heed/optim/sgd.hpp"
#include "heed/recsys/models/any.hpp"
#include "heed/recsys/models/din.hpp"
#include "heed/recsys/models/sasrec.hpp"
#include "io/resumes.hpp"
#include "recsys/small_logs.hpp"
#include "support/backwards.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using Catch::Matchers::Contains;
using recsys::NextItemLoss;
using recsys::SASRec;
using resumes::error_of;
using temporary::Folder;

/// Four steps per epoch.
const recsys::TrainOptions two_epochs{.batch_size = 7, .max_epochs = 2, .learning_rate = 0.01};
/// Within an epoch, at the end of one and at the start of the next.
bool some(Index step) { return step == 2 || step == 4 || step == 5; }

template <class Scalar = float>
auto maker(const recsys::Task& task, const NextItemLoss& loss, double dropout = 0.2) {
  return [&task, loss, dropout] {
    return std::make_unique<SASRec<Scalar>>(
        recsys::NextItemOptions{.num_items = task.log().num_items(), .embed_dim = 4, .max_length = 12, .loss = loss},
        recsys::SASRecEncoderOptions{.num_blocks = 1, .feedforward_dim = 4, .dropout = dropout}, task.catalogue());
  };
}

/// Whether no parameter of `a` was changed or marked as initialised, compared with those of a new model.
template <class Scalar>
bool unchanged(const ParameterList<Scalar>& a, const ParameterList<Scalar>& fresh) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Parameter<Scalar>&one = *a[i].parameter, &other = *fresh[i].parameter;
    if (one.initialized() != other.initialized() || !test::same_bits(one.value(), other.value())) return false;
  }
  return true;
}

TEST_CASE("a training resumed from every step ends with the same bits", "[io][training_checkpoint]") {
  const auto log = test::circle_log(24, 8, 10);
  const recsys::Task task(log, {.next_basket = false, .k = 3});
  recsys::TrainOptions options{.batch_size = 5,
                               .max_epochs = 5,
                               .patience = 2,
                               .learning_rate = 0.02,
                               .warm_up = 2,
                               .decay = optim::Decay::cosine,
                               .clip_norm = 0.5};
  const NextItemLoss sampled{.kind = NextItemLoss::Kind::sampled_softmax, .negatives = 2, .popularity = 0.5};
  resumes::check(maker(task, sampled), task, options);
  options.lazy_rows = optim::under("items");
  resumes::check(maker(task, sampled), task, options);
  resumes::check(maker<double>(task, sampled), task, options, some);
}

TEST_CASE("resuming gives the same bits for every loss", "[io][training_checkpoint]") {
  const auto log = test::circle_log(24, 8, 10);
  const recsys::Task task(log, {.next_basket = false, .k = 3});
  using Kind = NextItemLoss::Kind;
  for (const NextItemLoss& loss :
       {NextItemLoss{}, NextItemLoss{.kind = Kind::sampled_softmax, .exclude_history = true},
        NextItemLoss{.kind = Kind::sampled_softmax, .in_batch = true}, NextItemLoss{.kind = Kind::bce, .cosine = true},
        NextItemLoss{.kind = Kind::gbce, .negatives = 3}}) {
    INFO(enum_name(loss.kind));
    resumes::check(maker(task, loss), task, two_epochs, some);
  }
}

TEST_CASE("resuming gives the same bits for every encoder", "[io][training_checkpoint]") {
  const auto log = test::repeat_log(24, 8, 4);
  const recsys::Task task(log, {.k = 3});
  for (const auto& [name, encoder] : recsys::AnyEncoderOptions::choices()) {
    INFO(name);
    const auto& options = encoder;
    resumes::check(
        [&] {
          return std::make_unique<recsys::AnyRecommender<float>>(
              recsys::NextItemOptions{
                  .num_items = 8, .embed_dim = 4, .max_length = 12, .max_age = 4, .item_bias = true, .pointer = true},
              options);
        },
        task, two_epochs, some);
  }
}

TEST_CASE("resuming gives the same bits for DIN, batches by tokens and another order of chunks",
          "[io][training_checkpoint]") {
  const auto log = test::repeat_log(24, 8, 4);
  const recsys::Task task(log, {.k = 3});
  test::Backwards backwards;
  recsys::TrainOptions options{.max_tokens = 40, .max_epochs = 2, .learning_rate = 0.01};
  options.executor = &backwards;
  resumes::check(
      [] {
        return std::make_unique<recsys::DIN<float>>(recsys::DINOptions{
            .num_items = 8, .embed_dim = 4, .attention_features = {3}, .hidden_features = {5}, .dropout = 0.3});
      },
      task, options, some);
}

TEST_CASE("a training ended by on_epoch is finished, one stopped by on_step continues", "[io][training_checkpoint]") {
  const Folder folder;
  const auto log = test::circle_log(24, 8, 10);
  const recsys::Task task(log, {.next_basket = false, .k = 3});
  const auto make = maker(task, {});
  const auto model = make();
  nn::initialize(*model, Random(1));
  auto training = recsys::training_of(*model, task, two_epochs);
  recsys::TrainHooks hooks = recsys::hooks_of(*model, task);
  hooks.on_epoch = [](const recsys::EpochReport&) { return false; };
  CHECK(training.run(hooks).epochs.size() == 1);
  io::save_checkpoint(training, folder.file("a"));

  const auto other = make();
  auto again = recsys::training_of(*other, task, two_epochs);
  io::load_checkpoint(again, folder.file("a"));
  hooks.fill = [](auto&&...) { fail("hook", "no step is left"); };
  CHECK(again.run(hooks).epochs.size() == 1);
  CHECK(again.position().finished);
  CHECK(resumes::outcome(*other, again.report()) == resumes::outcome(*model, training.report()));

  const auto third = make();
  nn::initialize(*third, Random(1));
  auto stopped = recsys::training_of(*third, task, two_epochs);
  hooks = recsys::hooks_of(*third, task);
  hooks.on_step = [](const recsys::TrainProgress&) { return false; };
  CHECK(stopped.run(hooks).interrupted);
  CHECK_THROWS_AS(io::save_checkpoint(stopped, folder.file("b")), StateError);
  CHECK(folder.entries() == 1);
}

TEST_CASE("another run, other options, another seed, model or precision is refused with the differences",
          "[io][training_checkpoint]") {
  const Folder folder;
  const std::string path = folder.file("a");
  const auto log = test::circle_log(24, 8, 10);
  const recsys::Task task(log, {.next_basket = false, .k = 3});
  const nlohmann::json run{{"log", 7}, {"model", {{"dropout", 0.2}}}};
  const auto model = maker(task, {})();
  {
    auto training = recsys::training_of(*model, task, two_epochs);
    CHECK_THROWS_AS(io::save_checkpoint(training, path, run), StateError);  // not initialised
    nn::initialize(*model, Random(1));
    io::save_checkpoint(training, path, run);
  }
  const auto refused = [&](const auto& make, const recsys::TrainOptions& options, const nlohmann::json& now) {
    const auto of = make(), fresh = make();
    auto training = recsys::training_of(*of, task, options);
    const std::string out = error_of<OptionError>([&] { io::load_checkpoint(training, path, now); });
    CHECK(unchanged(training.parameters(), nn::parameters(*fresh)));
    return out;
  };
  const auto same = maker(task, {});
  recsys::TrainOptions other = two_epochs;
  other.learning_rate = 0.02;
  other.random = Random(43);
  const std::string options = refused(same, other, run);
  CHECK_THAT(options, Contains("\n  training.learning_rate: 0.01 in the checkpoint, 0.02 now"));
  CHECK_THAT(options, Contains("\n  random: 42 in the checkpoint, 43 now"));
  CHECK_THAT(options, !Contains("batch_size"));
  const nlohmann::json changed{{"log", 8}, {"model", {{"dropout", 0.1}}}, {"new", true}};
  const std::string runs = refused(same, two_epochs, changed);
  CHECK_THAT(runs, Contains("\n  run.log: 7 in the checkpoint, 8 now"));
  CHECK_THAT(runs, Contains("\n  run.model.dropout: 0.2 in the checkpoint, 0.1 now"));
  CHECK_THAT(runs, Contains("\n  run.new: null in the checkpoint, true now"));
  CHECK_THAT(refused(maker<double>(task, {}), two_epochs, run), Contains("F32 [8, 4] in the checkpoint, F64 [8, 4]"));
  const auto wide = [] {
    return std::make_unique<SASRec<float>>(recsys::NextItemOptions{.num_items = 8, .embed_dim = 6, .max_length = 12},
                                           recsys::SASRecEncoderOptions{.num_blocks = 2, .feedforward_dim = 4});
  };
  const std::string shapes = refused(wide, two_epochs, run);
  CHECK_THAT(shapes, Contains("F32 [8, 4] in the checkpoint, F32 [8, 6] now"));
  CHECK_THAT(shapes, Contains("missing: optimizer.encoder.blocks.1"));
}

TEST_CASE("a damaged checkpoint is an error that changes nothing", "[io][training_checkpoint]") {
  const Folder folder;
  const auto log = test::circle_log(12, 5, 6);
  const recsys::Task task(log, {.next_basket = false, .k = 2});
  const auto make = [] {
    return std::make_unique<SASRec<float>>(recsys::NextItemOptions{.num_items = 5, .embed_dim = 2, .max_length = 6},
                                           recsys::SASRecEncoderOptions{.num_blocks = 1, .feedforward_dim = 2});
  };
  const auto model = make(), untouched = make();
  nn::initialize(*model, Random(1));
  const std::string path = folder.file("a");
  {
    auto training = recsys::training_of(*model, task, two_epochs);
    auto hooks = recsys::hooks_of(*model, task);
    hooks.on_step = [&](const recsys::TrainProgress& progress) {
      if (progress.epoch == 2) io::save_checkpoint(training, path);
      return progress.epoch < 2;
    };
    training.run(hooks);
  }
  const std::string good = temporary::read_bytes(path);
  /// Loads and runs the changed file: the training is unchanged, or complete.
  const auto check = [&](const std::string& bytes) {
    temporary::write_bytes(path, bytes);
    const auto fresh = make();
    auto training = recsys::training_of(*fresh, task, two_epochs);
    try {
      io::load_checkpoint(training, path);
    } catch (const Error&) {
      CHECK(unchanged(training.parameters(), nn::parameters(*untouched)));
      CHECK(training.optimizer().steps() == 0);
      return false;
    }
    CHECK(training.report().epochs.size() <= 2);
    return true;
  };
  REQUIRE(check(good));
  for (std::size_t size = 0; size < good.size(); size += 61) REQUIRE_FALSE(check(good.substr(0, size)));
  std::uint64_t header = 0;
  std::memcpy(&header, good.data(), 8);
  for (std::size_t at = 0; at < 8 + header; at += 5) {
    std::string flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    check(flipped);
  }

  // Values of the metadata that no training writes.
  const auto changed = [&](const char* from, const char* to) {
    std::string bytes = good;
    const std::size_t found = bytes.find(from);
    REQUIRE(found != std::string::npos);
    REQUIRE(std::string_view(from).size() == std::string_view(to).size());
    return bytes.replace(found, std::string_view(from).size(), to);
  };
  CHECK_FALSE(check(changed("\\\"batches\\\":1", "\\\"batches\\\":9")));
  CHECK_FALSE(check(changed("\\\"batches\\\":1", "\\\"btaches\\\":1")));
  CHECK_FALSE(check(changed("\\\"best_epoch\\\":1", "\\\"best_epoch\\\":7")));
}

TEST_CASE("hostile metadata is an error", "[io][training_checkpoint]") {
  const Folder folder;
  const auto log = test::circle_log(12, 5, 6);
  const recsys::Task task(log, {.next_basket = false, .k = 2});
  const auto model = maker(task, {})();
  nn::initialize(*model, Random(1));
  auto training = recsys::training_of(*model, task, two_epochs);
  const std::string path = folder.file("a");
  io::save_checkpoint(training, path);
  const auto metadata = io::SafetensorsFile(path).metadata();
  const auto with = [&](const char* key, const std::string& value) {
    auto other = metadata;
    other[key] = value;
    io::write_safetensors(path, {}, other);
    return error_of<IoError>([&] { io::load_checkpoint(training, path); });
  };
  for (const char* key : {"state", "training", "run"}) {
    INFO(key);
    const std::string what = path + ": metadata '" + key + "' ";
    CHECK_THAT(with(key, std::string(1000000, '[')), Contains(what + "nests more than 64"));
    CHECK_THAT(with(key, "{"), Contains(what + "is not JSON"));
    CHECK_THAT(with(key, std::string((1 << 24) + 1, ' ')), Contains(what + "is above 16 MB"));
    auto without = metadata;
    without.erase(key);
    io::write_safetensors(path, {}, without);
    CHECK_THAT(error_of<IoError>([&] { io::load_checkpoint(training, path); }), Contains("metadata lacks"));
  }
  CHECK_THAT(with("format", "heed.training.2"),
             Contains("is of a newer version of heed: heed.training.2, this one reads heed.training.1"));
  CHECK_THAT(with("format", "heed.loop.2"), Contains("'format' is 'heed.loop.2', wanted heed.training.1"));
  for (const char* state :
       {"[]", "{}", R"({"steps": -1, "learning_rate": 0.1, "tape_step": 0})",
        R"({"steps": 1e300, "learning_rate": 0.1, "tape_step": 0})", R"({"steps": 1, "learning_rate": 1e999})",
        R"({"steps": 1, "learning_rate": -1, "tape_step": 0})",
        R"({"steps": 1, "learning_rate": 0, "tape_step": -1})"}) {
    INFO(state);
    CHECK_THAT(with("state", state), Contains(path));
  }
  // Control characters of an untrusted file do not reach the terminal.
  auto other = metadata;
  other["run"] = R"({"\u001b[2J": "\u009b\u001b"})";
  io::write_safetensors(path, {}, other);
  const std::string shown = error_of<OptionError>([&] { io::load_checkpoint(training, path); });
  CHECK_THAT(shown, Contains("\\x1b[2J") && Contains("u001b") && Contains("u009b"));
  for (const char c : shown) CHECK((c == '\n' || (c >= ' ' && c < 127)));
}

/// A model and loop of the user.
struct Loop {
  using scalar_type = float;
  nn::LSTM<> encoder{{.input_size = 3, .hidden_size = 4}};
  nn::Dropout<> dropout{{.p = 0.3}};
  nn::Linear<> head{{.in_features = 4, .out_features = 1}};

  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("encoder", encoder);
    visitor("head", head);
  }

  void step(Tape<float>& tape, optim::Optimizer<float>& optimizer, Index i) {
    const Random random = Random(5).fork(static_cast<std::uint64_t>(i));
    const Segments segments{3, 1, 2};
    tape.clear();
    const auto x = tape.constant(Tensor<float>::normal({6, 3}, random.fork("x")));
    const auto y = head(dropout(sum(encoder(x, segments).output, segments)));
    backward(mse_loss(y, tape.constant(Tensor<float>::normal({3, 1}, random.fork("y")))));
    optimizer.set_learning_rate(0.01 / static_cast<double>(i + 1));
    optimizer.step();
  }
  std::vector<Tensor<float>> weights() {
    std::vector<Tensor<float>> out;
    for (const auto& named : nn::parameters(*this)) out.push_back(named.parameter->value());
    return out;
  }
};

template <class MakeOptimizer>
void check_loop(const MakeOptimizer& make) {
  const Folder folder;
  const Index steps = 5;
  Loop whole;
  nn::initialize(whole, Random(1));
  {
    const auto optimizer = make(nn::parameters(whole));
    Tape<float> tape({.training = true, .random = Random(2)});
    for (Index i = 0; i < steps; ++i) {
      io::save_checkpoint(whole, *optimizer, tape, folder.file(std::to_string(i)), {{"step", std::to_string(i)}});
      whole.step(tape, *optimizer, i);
    }
  }
  for (Index from = 0; from < steps; ++from) {
    INFO(from);
    Loop rest;
    const auto optimizer = make(nn::parameters(rest));
    Tape<float> tape({.training = true, .random = Random(2)});
    const auto notes = io::load_checkpoint(rest, *optimizer, tape, folder.file(std::to_string(from)));
    CHECK(notes == std::map<std::string, std::string>{{"step", std::to_string(from)}});
    CHECK(optimizer->steps() == from);
    for (Index i = std::stoi(notes.at("step")); i < steps; ++i) rest.step(tape, *optimizer, i);
    const auto a = whole.weights(), b = rest.weights();
    for (std::size_t i = 0; i < a.size(); ++i) CHECK(test::same_bits(a[i], b[i]));
  }
}

TEST_CASE("a loop of one's own resumes with the same bits", "[io][training_checkpoint]") {
  check_loop([](const auto& parameters) { return std::make_unique<optim::Adam<float>>(parameters); });
  check_loop([](const auto& parameters) { return std::make_unique<optim::AdamW<float>>(parameters); });
  check_loop([](const auto& parameters) {
    return std::make_unique<optim::Sgd<float>>(parameters, optim::SgdOptions{.momentum = 0.9});
  });
  check_loop([](const auto& parameters) {
    return std::make_unique<optim::LazyAdam<float>>(parameters, optim::under("encoder"));
  });
}

TEST_CASE("the checkpoint of a loop does not fit another optimiser, and a training's is not one",
          "[io][training_checkpoint]") {
  const Folder folder;
  Loop loop;
  nn::initialize(loop, Random(1));
  Tape<float> tape;
  optim::Adam<float> adam(nn::parameters(loop));
  optim::Sgd<float> sgd(nn::parameters(loop), {.momentum = 0.9});
  io::save_checkpoint(loop, adam, tape, folder.file("adam"));
  const std::string differences =
      error_of<OptionError>([&] { io::load_checkpoint(loop, sgd, tape, folder.file("adam")); });
  CHECK_THAT(differences, Contains("missing: optimizer.head.weight.momentum_buffer F32 [1, 4]"));
  CHECK_THAT(differences, Contains("unexpected: optimizer.head.weight.exp_avg\n"));

  const auto log = test::circle_log(12, 5, 6);
  const recsys::Task task(log, {.next_basket = false, .k = 2});
  const auto model = maker(task, {})();
  auto training = recsys::training_of(*model, task, two_epochs);
  CHECK_THAT(error_of<IoError>([&] { io::load_checkpoint(training, folder.file("adam")); }),
             Contains("metadata 'format' is 'heed.loop.1', wanted heed.training.1"));
}

TEST_CASE("a checkpoint of another version of heed or of another instruction set is refused",
          "[io][training_checkpoint]") {
  const Folder folder;
  const std::string path = folder.file("a");
  const auto log = test::circle_log(12, 5, 6);
  const recsys::Task task(log, {.next_basket = false, .k = 2});
  const auto model = maker(task, {})();
  nn::initialize(*model, Random(1));
  auto training = recsys::training_of(*model, task, two_epochs);
  Loop loop;
  nn::initialize(loop, Random(1));
  optim::Adam<float> adam(nn::parameters(loop));
  Tape<float> tape;
  const auto check = [&](const auto& save, const auto& load) {
    save();
    auto metadata = io::SafetensorsFile(path).metadata();
    auto run = nlohmann::json::parse(metadata.at("run"));
    CHECK(run.at("heed") == version());
    CHECK(run.at("isa") == isa());
    run["heed"] = "0.0.9";
    run["isa"] = "abacus";
    metadata["run"] = run.dump();
    io::write_safetensors(path, {}, metadata);
    const std::string error = error_of<OptionError>(load);
    CHECK_THAT(error, Contains(message("\n  heed: \"0.0.9\" in the checkpoint, \"", version(), "\" now")));
    CHECK_THAT(error, Contains(message("\n  isa: \"abacus\" in the checkpoint, \"", isa(), "\" now")));
  };
  check([&] { io::save_checkpoint(training, path); }, [&] { io::load_checkpoint(training, path); });
  check([&] { io::save_checkpoint(loop, adam, tape, path); }, [&] { io::load_checkpoint(loop, adam, tape, path); });
}

TEST_CASE("what no checkpoint could be compared with is refused when it is saved", "[io][training_checkpoint]") {
  const Folder folder;
  const std::string path = folder.file("a");
  const auto log = test::circle_log(12, 5, 6);
  const recsys::Task task(log, {.next_basket = false, .k = 2});
  const auto model = maker(task, {})();
  nn::initialize(*model, Random(1));
  auto training = recsys::training_of(*model, task, two_epochs);
  nlohmann::json deep;
  for (int i = 0; i < 64; ++i) deep = nlohmann::json::array({std::move(deep)});
  const auto refused = [&](const nlohmann::json& run, const char* why) {
    CHECK_THAT(error_of<IoError>([&] { io::save_checkpoint(training, path, run); }),
               Contains(path + ": metadata 'run' ") && Contains(why));
    CHECK(folder.entries() == 0);
  };
  refused({{"log", "caf\xe9"}}, "is not JSON: ");
  refused({{"log", std::string(1 << 24, 'a')}}, "is above 16 MB");
  refused({{"rate", NAN}}, "has NaN, infinity or binary data");
  refused({{"rate", {1, -INFINITY}}}, "has NaN, infinity or binary data");
  refused({{"bytes", nlohmann::json::binary({1, 2})}}, "has NaN, infinity or binary data");
  refused(deep, "nests more than 64");
  const nlohmann::json good{{"rate", 0.1f}, {"zero", -0.0}, {"big", ~std::uint64_t{0}}, {"one", 1}, {"caf\u00e9", {}}};
  io::save_checkpoint(training, path, good);
  io::load_checkpoint(training, path, good);
}

}  // namespace HEED_TEST_UNIT
