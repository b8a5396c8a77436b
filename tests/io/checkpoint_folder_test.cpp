// SPDX-License-Identifier: Apache-2.0
#include "heed/io/checkpoint_folder.hpp"

#include <set>

#include "heed/recsys/models/sasrec.hpp"
#include "io/resumes.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using Catch::Matchers::Contains;
using io::CheckpointFolder;
using resumes::error_of;
using Model = recsys::SASRec<float>;

/// A training of two epochs of four steps.
struct Setting {
  data::Interactions log = test::circle_log(24, 8, 10);
  recsys::Task task{log, {.next_basket = false, .k = 3}};
  recsys::TrainOptions options{.batch_size = 7, .max_epochs = 2, .learning_rate = 0.01};
  temporary::Folder parent;
  std::string path = parent.file("a/b");  // made by the folder
  nlohmann::json run{{"log", 7}};
  double time = 0;

  static Model model() {
    return Model({.num_items = 8, .embed_dim = 4, .max_length = 12}, {.num_blocks = 1, .feedforward_dim = 4});
  }
  recsys::TrainHooks hooks(const Model& of) {
    recsys::TrainHooks out = recsys::hooks_of(of, task);
    out.now = [this] { return time; };
    return out;
  }
  /// The result of a training that nothing disturbs.
  resumes::Outcome<float> expected() {
    Model alone = model();
    nn::initialize(alone, Random(1));
    return resumes::outcome(alone, recsys::training_of(alone, task, options).run(hooks(alone)));
  }
  /// Trains from the start and stops after `steps`.
  void stop_after(Index steps, double seconds = 0) {
    Model of = model();
    nn::initialize(of, Random(1));
    auto training = recsys::training_of(of, task, options);
    auto some = hooks(of);
    some.on_step = [&](const recsys::TrainProgress&) {
      ++time;
      return training.optimizer().steps() < steps;
    };
    const auto report = CheckpointFolder(path, run).run(training, some, seconds);
    CHECK(report.interrupted);
  }
  /// Resumes and trains to the end.
  std::pair<io::Resumed, resumes::Outcome<float>> resume() {
    Model of = model();
    nn::initialize(of, Random(1));
    auto training = recsys::training_of(of, task, options);
    CheckpointFolder folder(path, run);
    const io::Resumed from = folder.resume(training);
    const auto report = folder.run(training, hooks(of), 0);
    return {from, resumes::outcome(of, report)};
  }
  std::set<std::string> names() const {
    std::set<std::string> out;
    for (const auto& one : std::filesystem::directory_iterator(path)) out.insert(one.path().filename().string());
    return out;
  }
  std::string file(const char* name) const { return path + "/" + name; }
};

const std::string second = "checkpoint-000000000002.safetensors", third = "checkpoint-000000000003.safetensors";
const std::string last = "checkpoint-000000000008.safetensors", before = "checkpoint-000000000007.safetensors";

TEST_CASE("a training continues from its folder after an interruption at every step", "[io][checkpoint_folder]") {
  for (Index steps = 1; steps <= 8; ++steps) {
    INFO(steps);
    Setting s;
    s.stop_after(steps);
    const auto [from, outcome] = s.resume();
    CHECK_THAT(from.path, Contains(std::to_string(steps)));
    CHECK(from.damaged.empty());
    CHECK(outcome == s.expected());
    CHECK(s.names() == std::set{before, last});
  }
}

TEST_CASE("without a checkpoint a training begins, and one that has ended returns at once", "[io][checkpoint_folder]") {
  Setting s;
  const auto [none, outcome] = s.resume();
  CHECK(none.path.empty());
  CHECK(outcome == s.expected());

  Model model = Setting::model();
  auto training = recsys::training_of(model, s.task, s.options);
  CheckpointFolder folder(s.path, s.run);
  CHECK_FALSE(folder.empty());
  CHECK(folder.resume(training).path == s.file(last.c_str()));
  auto hooks = s.hooks(model);
  hooks.fill = [](auto&&...) { fail("hook", "no step is left"); };
  CHECK(resumes::outcome(model, folder.run(training, hooks)) == outcome);
}

TEST_CASE("the last two checkpoints are kept, at the interval of the caller's clock", "[io][checkpoint_folder]") {
  Setting s;
  s.stop_after(7, 3);  // a step is a second
  CHECK(s.names() == std::set<std::string>{"checkpoint-000000000006.safetensors", before});
}

TEST_CASE("a damaged checkpoint is named and the one before is used", "[io][checkpoint_folder]") {
  Setting s;
  s.stop_after(3);
  REQUIRE(s.names() == std::set{second, third});
  const std::string good = temporary::read_bytes(s.file(third.c_str()));
  temporary::write_bytes(s.file(third.c_str()), good.substr(0, good.size() / 2));
  temporary::write_bytes(s.file("checkpoint-x.safetensors"), "not a checkpoint's name");
  const auto [from, outcome] = s.resume();
  CHECK(from.path == s.file(second.c_str()));
  REQUIRE(from.damaged.size() == 1);
  CHECK_THAT(from.damaged[0], Contains(s.file(third.c_str())));
  CHECK(outcome == s.expected());
  CHECK(s.names() == std::set<std::string>{before, last, "checkpoint-x.safetensors"});
}

TEST_CASE("a damaged checkpoint of a later step is not kept in place of a good one", "[io][checkpoint_folder]") {
  Setting s;
  s.stop_after(3);
  temporary::write_bytes(s.file(before.c_str()), "");
  Model model = Setting::model();
  auto training = recsys::training_of(model, s.task, s.options);
  CheckpointFolder folder(s.path, s.run);
  CHECK(folder.resume(training).damaged.size() == 1);
  folder.save(training);
  CHECK(s.names() == std::set{second, third});
}

TEST_CASE("a checkpoint that cannot be opened or is of a newer format is an error, and stays",
          "[io][checkpoint_folder]") {
  Setting s;
  s.stop_after(3);
  const std::string path = s.file(third.c_str()), good = temporary::read_bytes(path);
  const auto refused = [&](const char* why) {
    CHECK_THAT(error_of<IoError>([&] { s.resume(); }), Contains(path) && Contains(why));
    CHECK(s.names() == std::set{second, third});
    std::filesystem::remove(path);
  };
  std::filesystem::remove(path);
  std::filesystem::create_symlink(third, path);  // to itself
  refused("cannot open: ");
  std::filesystem::create_directory(path);
  refused("is not a regular file");
  temporary::write_bytes(path, good);
  auto metadata = io::SafetensorsFile(path).metadata();
  metadata["format"] = "heed.training.2";
  io::write_safetensors(path, {}, metadata);
  refused("is of a newer version of heed: heed.training.2, this one reads heed.training.1");
  temporary::write_bytes(path, good);
  CHECK(s.resume().second == s.expected());
}

TEST_CASE("when no checkpoint can be read, resuming is an error that names them all", "[io][checkpoint_folder]") {
  Setting s;
  s.stop_after(3);
  for (const std::string& name : {second, third}) temporary::write_bytes(s.file(name.c_str()), "");
  const std::string error = error_of<DamageError>([&] { s.resume(); });
  CHECK_THAT(error, Contains(second) && Contains(third));
}

TEST_CASE("checkpoints of another run are refused, and never mixed with those of a new one",
          "[io][checkpoint_folder]") {
  Setting s;
  s.stop_after(3);
  CHECK_THAT(error_of<OptionError>([&] { s.stop_after(3); }), Contains("has checkpoints: resume from them"));
  s.run["log"] = 8;
  CHECK_THAT(error_of<OptionError>([&] { s.resume(); }), Contains("\n  run.log: 7 in the checkpoint, 8 now"));
  CHECK(s.names() == std::set{second, third});
}

TEST_CASE("a folder that cannot be made, and a negative interval, are errors", "[io][checkpoint_folder]") {
  Setting s;
  temporary::write_bytes(s.parent.file("file"), "");
  CHECK_THAT(error_of<IoError>([&] { CheckpointFolder(s.parent.file("file/a")); }),
             Contains("cannot create the folder"));
  CHECK_THAT(error_of<OptionError>([&] { s.stop_after(3, -1); }), Contains("every -1."));
}

TEST_CASE("a checkpoint that cannot be written ends the training with its best weights", "[io][checkpoint_folder]") {
  Setting s;
  Model model = Setting::model();
  nn::initialize(model, Random(1));
  auto training = recsys::training_of(model, s.task, s.options);
  CheckpointFolder folder(s.path, s.run);
  auto hooks = s.hooks(model);
  Tensor<float> best;
  hooks.on_epoch = [&](const recsys::EpochReport&) {
    best = model.input.items.weight.value();
    std::filesystem::remove_all(s.path);
    temporary::write_bytes(s.path, "not a folder");
    return true;
  };
  CHECK_THAT(error_of<IoError>([&] { folder.run(training, hooks, 0); }), Contains("write_safetensors"));
  CHECK(test::same_bits(model.input.items.weight.value(), best));
}

}  // namespace HEED_TEST_UNIT
