// SPDX-License-Identifier: Apache-2.0
// The files of results: a folder per data set, with one file per run and seed and one for the baselines.
#pragma once

#include <cstdio>
#include <filesystem>
#include <heed/io/atomic_file.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "benchmark_plan.hpp"
#include "files.hpp"

class Results {
 public:
  using json = nlohmann::json;

  explicit Results(std::string folder) : folder_(std::move(folder)) { std::filesystem::create_directories(folder_); }

  /// `docs/results/ml-1m/sasrec-seed1.json`.
  std::string path_of(const Run& run, int seed) const {
    return folder_ + "/" + run.data + "/" + run.name + "-seed" + std::to_string(seed) + ".json";
  }
  std::string path_of(const DataSet& data) const { return folder_ + "/" + data.name + "/baselines.json"; }

  /// The fields that identify a run: a file is the result of the run when it has the same values.
  static json identity(const Run& run, const DataSet& data, int seed) {
    return {
        {"data", data.key}, {"name", run.name}, {"model", run.model}, {"seed", seed}, {"configuration", run.options}};
  }

  /// The stored run; empty when there is no file or it differs from the plan's run, and `why` then lists how.
  std::optional<json> find(const Run& run, const DataSet& data, int seed, std::string* why = nullptr) const {
    auto stored = read_json_object(path_of(run, seed));
    if (!stored) return std::nullopt;
    // An option that was added after the file was written had its default value.
    json completed = *stored;
    complete(completed["configuration"], run.defaults);
    return accept(std::move(*stored), identity(run, data, seed), completed, path_of(run, seed), why);
  }
  /// The stored baselines, as above.
  std::optional<json> find(const DataSet& data, std::string* why = nullptr) const {
    auto stored = read_json_object(path_of(data));
    if (!stored) return std::nullopt;
    const json completed = *stored;
    return accept(std::move(*stored), {{"data", data.key}}, completed, path_of(data), why);
  }

  /// The stored results of a run, one per seed; seeds up to `most_seeds` or the plan's number, whichever is larger.
  std::vector<json> find_all(const Run& run, const DataSet& data, int most_seeds) const {
    std::vector<json> out;
    for (int seed = 1; seed <= std::max(most_seeds, run.seeds); ++seed) {
      if (auto result = find(run, data, seed)) out.push_back(std::move(*result));
    }
    return out;
  }

  /// The files that the runs and data sets of a plan have. Creates their folders and throws unless these can be
  /// written.
  void written_by(Files& files, const Plan& plan, int most_seeds) const {
    for (const auto& [name, data] : plan.data) {
      files.writes("--results", path_of(data), Output::result);
      std::filesystem::create_directories(folder_ + "/" + name);
      heed::io::AtomicFile("benchmark", path_of(data));  // throws unless it can be written
    }
    for (const Run& run : plan.runs) {
      for (int seed = 1; seed <= std::max(most_seeds, run.seeds); ++seed) {
        files.writes("--results", path_of(run, seed), Output::result);
      }
    }
  }

  static void write(const std::string& path, const std::string& content) {
    heed::io::AtomicFile file("benchmark", path);
    file.write(content);
    file.commit();
  }

  /// Prints the files that the page does not use, and the options in the other files that no longer exist.
  void print_unused(const Plan& plan, int most_seeds) const {
    std::set<std::filesystem::path> unused;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
      if (!entry.is_directory()) unused.insert(entry.path());
    }
    for (const auto& [name, data] : plan.data) {
      if (find(data)) unused.erase(path_of(data));
    }
    for (const Run& run : plan.runs) {
      for (int seed = 1; seed <= std::max(most_seeds, run.seeds); ++seed) {
        const auto stored = find(run, plan.data.at(run.data), seed);
        if (!stored) continue;
        unused.erase(path_of(run, seed));
        std::vector<std::string> gone;
        differences(stored->at("configuration"), run.options, "", true, gone);
        for (const std::string& option : gone) {
          std::printf("%s has an option that no longer exists: %s\n", heed::printable(path_of(run, seed)).c_str(),
                      heed::printable(option).c_str());
        }
      }
    }
    for (const auto& path : unused) std::printf("The plan does not use %s\n", heed::printable(path.string()).c_str());
  }

 private:
  /// Adds the values of `defaults` that `stored` lacks. (A merge patch would take a null for a removal.)
  static void complete(json& stored, const json& defaults) {
    if (!stored.is_object()) return;
    for (const auto& [name, value] : defaults.items()) {
      if (!stored.contains(name)) {
        stored[name] = value;
      } else if (value.is_object()) {
        complete(stored[name], value);
      }
    }
  }

  /// Returns `stored`, or nothing when a value of `wanted` differs in `completed`; `why` then lists the differences.
  static std::optional<json> accept(json stored, const json& wanted, const json& completed, const std::string& path,
                                    std::string* why) {
    std::vector<std::string> found;
    differences(wanted, completed, "", false, found);
    if (found.empty()) return stored;
    if (why != nullptr) {
      *why = heed::printable(path) + " does not match the plan:";
      for (const std::string& one : found) *why += "\n  " + heed::printable(one);
    }
    return std::nullopt;
  }

  /// Appends a line per value of `from` that is missing in `to` or, unless `only_missing`, different there.
  static void differences(const json& from, const json& to, const std::string& path, bool only_missing,
                          std::vector<std::string>& out) {
    for (const auto& [name, value] : from.items()) {
      const std::string at = path.empty() ? name : path + "." + name;
      if (!to.contains(name)) {
        out.push_back(at);
      } else if (value.is_object() && to.at(name).is_object()) {
        differences(value, to.at(name), at, only_missing, out);
      } else if (!only_missing && value != to.at(name)) {
        out.push_back(at + " is " + to.at(name).dump() + ", the plan says " + value.dump());
      }
    }
  }

  std::string folder_;
};
