// SPDX-License-Identifier: Apache-2.0
// The log of epochs: a file with a line of JSON per epoch, to which a resumed training adds only what is missing.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <heed/core/printable.hpp>
#include <heed/io/parse_json.hpp>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "progress.hpp"

class EpochLog {
 public:
  /// An empty path is no file. With `resume`, the lines of the file are not added again. Throws heed::IoError when the
  /// file cannot be written.
  EpochLog(std::string path, bool resume) : path_(std::move(path)) {
    if (path_.empty()) return;
    bool broken_off = false;
    if (resume && std::filesystem::is_regular_file(path_)) {
      std::ifstream file(path_);
      for (std::string line; std::getline(file, line); broken_off = file.eof()) {
        if (const auto json = heed::io::try_parse_json(line)) lines_.insert(without_times(*json));
      }
    }
    append(broken_off ? "\n" : "");
  }

  /// Appends a line, unless there is one that differs in times only.
  void add(std::uint64_t seed, const heed::recsys::EpochReport& done) {
    if (path_.empty()) return;
    nlohmann::json line{{"seed", seed},      {"epoch", done.epoch},
                        {"loss", done.loss}, {"validation", done.validation},
                        {"best", done.best}, {"tokens_per_second", done.tokens_per_second}};
    for (const auto& [phase, seconds] : phases(done.seconds)) line["seconds"][phase] = seconds;
    if (lines_.insert(without_times(line)).second) append(line.dump() + "\n");
  }

 private:
  static nlohmann::json without_times(nlohmann::json line) {
    for (const char* time : {"tokens_per_second", "seconds"}) {
      if (line.is_object()) line.erase(time);
    }
    return line;
  }
  void append(const std::string& text) const {
    std::ofstream file(path_, std::ios::app);
    file << text << std::flush;
    if (!file) heed::fail<heed::IoError>("--log", heed::printable(path_), " cannot be written");
  }

  std::string path_;
  std::set<nlohmann::json> lines_;  // without times
};
