// SPDX-License-Identifier: Apache-2.0
// A folder with the last two checkpoints of a training, from which it continues after a crash. Requires nlohmann-json.
#pragma once

#include <charconv>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "heed/io/training_checkpoint.hpp"

namespace heed::inline HEED_ABI::io {

/// What CheckpointFolder::resume found.
struct Resumed {
  std::string path;                  ///< the checkpoint that was loaded; empty when the folder had none
  std::vector<std::string> damaged;  ///< for each newer one that is damaged, its path and its fault
};

/// The checkpoints of one training in a folder of its own: files `checkpoint-<steps>.safetensors`, replaced atomically
/// (io/atomic_file.hpp). One process at a time.
class CheckpointFolder {
 public:
  /// Creates the folder unless it exists. `run`: see save_checkpoint. Throws IoError.
  explicit CheckpointFolder(std::string path, nlohmann::json run = {}) : path_(std::move(path)), run_(std::move(run)) {
    std::error_code error;
    std::filesystem::create_directories(path_, error);
    if (error) fail<IoError>("checkpoints", "cannot create the folder ", path_, ": ", error.message());
  }

  /// Whether the folder has no checkpoint. Throws IoError.
  bool empty() const { return files().empty(); }

  /// Loads the newest checkpoint into a new training, or the one before when it is damaged. Errors as load_checkpoint,
  /// without regard to the ones before, for one that is not damaged but cannot be opened or is of a newer format or of
  /// another run; DamageError when all are damaged. The training and the folder are unchanged then.
  template <nn::Module Model>
  Resumed resume(recsys::Training<Model>& training) {
    Resumed out;
    std::string faults;
    for (const auto& [steps, file] : files()) {
      try {
        load_checkpoint(training, file, run_);
        out.path = file;
        break;
      } catch (const DamageError& error) {
        out.damaged.push_back(error.what());
        faults.append("\n  ").append(error.what());
      }
    }
    if (out.path.empty() && !out.damaged.empty()) {
      fail<DamageError>("checkpoints", "all in ", path_, " are damaged:", faults);
    }
    claimed_ = true;
    return out;
  }

  /// Writes a checkpoint, and removes all others but the one before. Errors as save_checkpoint; OptionError when the
  /// folder has checkpoints of which neither `resume` nor `save` of this object knows.
  template <nn::Module Model>
  void save(recsys::Training<Model>& training) {
    claim();
    const Index steps = training.optimizer().steps();
    char name[64];
    std::snprintf(name, sizeof(name), "checkpoint-%012lld.safetensors", static_cast<long long>(steps));
    save_checkpoint(training, (std::filesystem::path(path_) / name).string(), run_);
    clean(steps);
  }

  /// Runs the training to its end. Saves it after the first step that ends at least `seconds` (by the clock of `hooks`)
  /// after the last save, when `on_step` interrupts it, and at its end. Throws as Training::run and `save`; OptionError
  /// for negative seconds, and when the folder has checkpoints but `resume` was not called.
  template <nn::Module Model>
  recsys::TrainReport run(recsys::Training<Model>& training, recsys::TrainHooks hooks, double seconds = 60) {
    if (!(seconds >= 0)) fail<OptionError>("checkpoints", "every ", seconds, " seconds");
    claim();
    const bool was_finished = training.position().finished;
    double saved = hooks.now();
    hooks.on_step = [&, now = hooks.now, then = std::move(hooks.on_step)](const recsys::TrainProgress& progress) {
      const bool goes_on = !then || then(progress);
      if (goes_on && now() - saved < seconds) return true;
      save(training);
      saved = now();
      return goes_on;
    };
    const recsys::TrainReport report = training.run(hooks);
    if (!report.interrupted && !was_finished) save(training);
    return report;
  }

 private:
  /// Makes the folder this object's own, unless it has checkpoints of another training.
  void claim() {
    if (!claimed_ && !empty()) {
      fail<OptionError>("checkpoints", path_, " has checkpoints: resume from them, or use another folder");
    }
    claimed_ = true;
  }

  using Files = std::map<Index, std::string, std::greater<>>;

  static constexpr std::string_view prefix = "checkpoint-", suffix = ".safetensors";

  /// The paths of the checkpoints by their steps, the newest first.
  Files files() const {
    Files out;
    std::error_code error;
    for (std::filesystem::directory_iterator it(path_, error), end; !error && it != end; it.increment(error)) {
      const std::string name = it->path().filename().string();
      if (!name.starts_with(prefix) || !name.ends_with(suffix) || name.size() <= prefix.size() + suffix.size())
        continue;
      const char *begin = name.data() + prefix.size(), *last = name.data() + name.size() - suffix.size();
      Index steps = 0;
      const auto parsed = std::from_chars(begin, last, steps);
      if (parsed.ec == std::errc() && parsed.ptr == last && steps >= 0) out.emplace(steps, it->path().string());
    }
    if (error) fail<IoError>("checkpoints", "cannot list ", path_, ": ", error.message());
    return out;
  }

  /// Removes all files but the checkpoint at `steps` and the one before: older ones and damaged ones of a later step.
  /// One that cannot be removed does no harm.
  void clean(Index steps) const {
    std::error_code ignored;
    Index kept = 0;
    for (const auto& [at, file] : files()) {
      if (at > steps || ++kept > 2) std::filesystem::remove(file, ignored);
    }
  }

  std::string path_;
  nlohmann::json run_;
  bool claimed_ = false;
};

}  // namespace heed::inline HEED_ABI::io
