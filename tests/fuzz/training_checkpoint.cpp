// SPDX-License-Identifier: Apache-2.0
// The input as a checkpoint of a training loop, and of a training that then takes one step. Seeds are written when the
// target starts, as a checkpoint of another version or instruction set is refused.
#include "heed/io/training_checkpoint.hpp"

#include <filesystem>

#include "heed/nn/init.hpp"
#include "heed/nn/linear.hpp"
#include "heed/optim/adam.hpp"
#include "heed/recsys/models/gru4rec.hpp"
#include "heed/recsys/task.hpp"
#include "input.hpp"
#include "safetensors_mutator.hpp"

namespace {

using namespace heed;

data::Interactions small_log() {
  data::InteractionsBuilder builder({.times = true});
  for (const char* user : {"a", "b"}) {
    for (const std::int64_t time : {0, 1, 2, 3}) builder.add(user, std::to_string(time % 3), time);
  }
  return std::move(builder).build();
}

recsys::GRU4Rec<float> small_model() {
  recsys::GRU4Rec<float> model({.num_items = 3, .embed_dim = 2, .max_length = 3}, {.hidden_size = 2});
  nn::initialize(model, Random(1));
  return model;
}

const data::Interactions log = small_log();
const recsys::Task task(log, {.next_basket = false, .max_length = 3, .k = 2});
recsys::GRU4Rec<float> model = small_model();
const recsys::TrainOptions options{.batch_size = 1, .max_epochs = 2};
nn::Linear<float> layer({.in_features = 2, .out_features = 1});

/// Writes a seed by `save(path)`, without a checksum, as otherwise almost no change would get past it.
void write_seed(const std::filesystem::path& folder, const char* name, const auto& save) {
  const std::string path = (folder / name).string();
  save(path);
  const io::SafetensorsFile file(path);
  std::vector<io::TensorSource> tensors;
  for (const io::TensorInfo& tensor : file.tensors()) {
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape, file.bytes(tensor.name)});
  }
  io::write_safetensors(path, std::move(tensors), file.metadata(), io::Checksum::none);
}

void write_seeds(const std::filesystem::path& folder) {
  nn::initialize(layer, Random(1));
  optim::Adam<float> optimizer(nn::parameters(layer));
  write_seed(folder, "seed-loop", [&](const std::string& path) {
    io::save_checkpoint(layer, optimizer, Tape<float>(), path, {{"step", "0"}});
  });
  auto training = recsys::training_of(model, task, options);
  const auto save = [&](const std::string& path) { io::save_checkpoint(training, path); };
  recsys::TrainHooks hooks = recsys::hooks_of(model, task);
  hooks.now = [time = 0.0]() mutable { return time += 0.25; };
  hooks.on_step = [&](const recsys::TrainProgress& progress) {
    write_seed(folder, progress.epoch == 1 ? "seed-first-epoch" : "seed-second-epoch", save);
    return true;
  };
  training.run(hooks);
  write_seed(folder, "seed-finished", save);
}

}  // namespace

/// The first folder of the command line is the one in which libFuzzer keeps inputs.
extern "C" int LLVMFuzzerInitialize(int* count, char*** arguments) {
  for (int i = 1; i < *count; ++i) {
    if (!std::filesystem::is_directory((*arguments)[i])) continue;
    write_seeds((*arguments)[i]);
    break;
  }
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string& path = fuzz::as_file({data, size});
  fuzz::only_errors([&] {
    optim::Adam<float> optimizer(nn::parameters(layer));
    Tape<float> tape;
    io::load_checkpoint(layer, optimizer, tape, path);
  });
  fuzz::only_errors([&] {
    auto training = recsys::training_of(model, task, options);
    io::load_checkpoint(training, path);
    recsys::TrainHooks hooks = recsys::hooks_of(model, task);
    hooks.on_step = [](const recsys::TrainProgress&) { return false; };
    training.run(hooks);
  });
  return 0;
}
