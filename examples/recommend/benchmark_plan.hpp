// SPDX-License-Identifier: Apache-2.0
// The plan of `recommend benchmark`: which models are trained on which data sets, and how often.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "configuration_options.hpp"
#include "json_file.hpp"
#include "log_options.hpp"
#include "seeds.hpp"

struct DataSet {
  std::string name, title, protocol;
  nlohmann::json key;  ///< the settings that every figure of the data set depends on
  bool next_basket = true, keep_history = false;
  LogFiles file;  ///< one file

  const std::string& path() const { return file.paths.front(); }
};

/// A model that is trained on a data set with `seeds` seeds.
struct Run {
  std::string data, name, title, published, model;
  int seeds = 3;
  std::variant<Configuration, ClickConfiguration> configuration;  ///< for next-item models, for DIN
  nlohmann::json options, defaults;                               ///< the configuration; its struct's defaults

  std::string label() const { return data + "/" + name; }
};

/// The plan is JSON: `introduction` of the page; `data` by name, each with `title`, `file`, `format`, `next_basket`,
/// `protocol` and, if the history counts for single events, `keep_history`; `runs`, each with `data`, `name` (of its
/// files), `encoder` (or `model`: din), `set` (see change), and the `title` and `published` figures for the page.
class Plan {
 public:
  /// Throws heed::Error when the plan does not exist or has an error; nothing has been run then.
  Plan(const std::string& path, const std::string& data_dir) {
    const auto read = read_json_object(path);
    if (!read) heed::fail<heed::IoError>("benchmark", heed::printable(path), " cannot be read");
    const nlohmann::json& plan = *read;
    introduction = text(plan, "introduction");
    for (const auto& [name, spec] : plan.at("data").items()) {
      naming("data " + name,
             [&, &name = name, &spec = spec] { data.emplace(name, data_of(name, spec, path, data_dir)); });
    }
    std::set<std::string> labels;
    for (const auto& spec : plan.at("runs")) {
      naming(spec.value("data", "") + "/" + spec.value("name", ""), [&] {
        runs.push_back(run_of(spec));
        if (!labels.insert(runs.back().label()).second) {
          heed::fail<heed::OptionError>("name", "another run of this data set has the same name");
        }
      });
    }
  }

  std::string introduction;
  std::map<std::string, DataSet> data;
  std::vector<Run> runs;

 private:
  static std::string text(const nlohmann::json& from, const char* name) { return from.at(name).get<std::string>(); }

  /// Calls `f` and adds the place in the plan to its errors.
  template <class F>
  static void naming(const std::string& what, F&& f) {
    try {
      f();
    } catch (const std::exception& error) {
      heed::fail<heed::OptionError>("benchmark", heed::printable(what), ": ", error.what());
    }
  }

  /// Throws heed::OptionError unless `name` is a valid file name on any system. "baselines" is reserved. A bound on its
  /// length keeps std::regex, to which it is matched, from overflowing the stack.
  static void check_name(const std::string& name) {
    constexpr const char* allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    if (name.empty() || name.size() > 100 || name == "baselines" ||
        name.find_first_not_of(allowed) != std::string::npos) {
      heed::fail<heed::OptionError>("name", "'", heed::printable(name),
                                    "' names files: wanted at most 100 letters, digits, - and _");
    }
  }

  static DataSet data_of(const std::string& name, const nlohmann::json& spec, const std::string& plan,
                         const std::string& data_dir) {
    check_name(name);
    DataSet out{.name = name, .title = text(spec, "title"), .protocol = text(spec, "protocol"), .key = {}, .file = {}};
    spec.at("next_basket").get_to(out.next_basket);
    if (spec.contains("keep_history")) spec.at("keep_history").get_to(out.keep_history);
    const std::string file = text(spec, "file"), format = text(spec, "format");
    out.key = {{"file", file}, {"format", format}, {"next_basket", out.next_basket}};
    if (out.keep_history) out.key["keep_history"] = true;
    const auto known = heed::enum_value<heed::io::LogFormat>(format);
    if (!known) {
      heed::fail<heed::OptionError>("format", "there is no format ", heed::printable(format));
    }
    out.file.options.format = *known;
    out.file.options.basket = out.next_basket ? heed::data::Baskets::time : heed::data::Baskets::none;
    // Relative to the plan, or in the folder of data sets.
    const auto beside = std::filesystem::path(plan).parent_path() / file;
    out.file.paths = {std::filesystem::exists(beside) ? beside.string() : data_dir + "/" + file};
    return out;
  }

  Run run_of(const nlohmann::json& spec) const {
    Run out;
    out.data = text(spec, "data");
    out.name = text(spec, "name");
    check_name(out.name);
    out.title = spec.value("title", out.name);
    out.published = spec.value("published", "");
    if (spec.contains("seeds")) out.seeds = heed::io::from_json<int>(spec.at("seeds"), "seeds");
    if (out.seeds < 0 || out.seeds > most_seeds_of_a_run) {
      heed::fail<heed::OptionError>("seeds", out.seeds, " seeds, wanted 0 to ", most_seeds_of_a_run);
    }
    const auto found = data.find(out.data);
    if (found == data.end()) heed::fail<heed::OptionError>("data", "the plan has no such data");
    const auto [next_basket, keep_history] = std::pair(found->second.next_basket, found->second.keep_history);
    const auto set = spec.value("set", nlohmann::json::object());
    const auto task = set.value("task", nlohmann::json::object());
    for (const auto& [option, value] : task.items()) {
      // The models and baselines of a data set share one table, so they share the task.
      if (option == "max_length") continue;
      heed::fail<heed::OptionError>("set", "task.", heed::printable(option), " is set by the data set");
    }
    const auto keep = [&](auto configuration, const auto& defaults) {
      change(set, configuration);
      out.options = heed::io::to_json(configuration);
      out.defaults = heed::io::to_json(defaults);
      out.configuration = std::move(configuration);
    };
    if (spec.contains("model")) {
      out.model = text(spec, "model");
      if (out.model != "din") heed::fail<heed::OptionError>("model", "there is no model ", heed::printable(out.model));
      ClickConfiguration configuration;
      configuration.task.next_basket = next_basket;
      configuration.task.keep_history = keep_history;
      keep(std::move(configuration), ClickConfiguration{});
    } else {
      out.model = text(spec, "encoder");
      Configuration configuration = preset(out.model, next_basket), defaults;
      configuration.task.keep_history = keep_history;
      defaults.encoder = heed::recsys::AnyEncoderOptions::choices().at(out.model);
      keep(std::move(configuration), defaults);
    }
    return out;
  }
};
