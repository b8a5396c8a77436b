// SPDX-License-Identifier: Apache-2.0
// The checkpoints of the program's trainings: a folder per run and seed, from which a killed program continues.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <heed/core/error.hpp>
#include <heed/core/printable.hpp>
#include <heed/data/fingerprint.hpp>
#include <heed/io/checkpoint_folder.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "files.hpp"

struct CheckpointOptions {
  std::string folder;  ///< empty: no checkpoints
  double every = 60;   ///< seconds
  bool resume = false;

  void add_options(CLI::App& app) {
    auto* const to = app.add_option("--checkpoint", folder, "Folder of checkpoints, from which --resume continues");
    app.add_option("--checkpoint-every", every, "Seconds between checkpoints; 0: after every step")
        ->check(CLI::Range(0.0, 1e9))
        ->needs(to)
        ->capture_default_str();
    app.add_flag("--resume", resume, "Continue from --checkpoint, from the beginning if there is none")->needs(to);
  }

  /// Throws as Files::keeps, and heed::OptionError when the folder is in use but must not be continued: nothing in it
  /// is replaced.
  void check(const Files& files) const {
    files.keeps("--checkpoint", folder);
    if (folder.empty() || resume || !std::filesystem::exists(folder) || std::filesystem::is_empty(folder)) return;
    heed::fail<heed::OptionError>("--checkpoint", heed::printable(folder),
                                  " is not empty: --resume continues from its checkpoints");
  }
};

/// The checkpoints of one training.
struct Checkpoints {
  CheckpointOptions options{};
  std::string name{};    ///< of the folder inside that of the options
  nlohmann::json run{};  ///< what identifies the training, besides its own options

  /// Runs `training`, from its last checkpoint if the options say so; sets `resumed` then.
  template <class Model>
  heed::recsys::TrainReport run_or_resume(heed::recsys::Training<Model>& training, heed::recsys::TrainHooks hooks,
                                          bool& resumed) const {
    if (options.folder.empty()) return training.run(hooks);
    const std::string path = (std::filesystem::path(options.folder) / name).string();
    heed::io::CheckpointFolder folder(path, run);
    if (options.resume) {
      const heed::io::Resumed from = folder.resume(training);
      for (const std::string& fault : from.damaged) {
        std::printf("%s: the checkpoint before it is used\n", fault.c_str());
      }
      resumed = !from.path.empty();
      if (resumed) {
        std::printf("Continues from %s, after %td epochs\n", heed::printable(from.path).c_str(),
                    std::ssize(training.report().epochs));
      } else {
        std::printf("No checkpoint in %s: starts from the beginning\n", heed::printable(path).c_str());
      }
      std::fflush(stdout);
    }
    return folder.run(training, std::move(hooks), options.every);
  }
};
