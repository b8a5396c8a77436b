// SPDX-License-Identifier: Apache-2.0
// What a training run is made of: model, task and training, under one name, changed by options or by JSON.
#pragma once

#include <CLI/CLI.hpp>
#include <heed/io/detail/recommender_options.hpp>
#include <heed/recsys/trainer.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

struct Configuration {
  heed::recsys::NextItemOptions recommender;
  heed::recsys::AnyEncoderOptions encoder;
  heed::recsys::TaskOptions task;
  heed::recsys::TrainOptions training;
};

/// The named models, as published where they are, and otherwise as chosen on the validation baskets of the bundled
/// purchases.
inline Configuration preset(const std::string& encoder, bool next_basket) {
  const auto known = heed::io::encoders().find(encoder);
  if (known == heed::io::encoders().end()) heed::fail<heed::OptionError>("preset", "there is no encoder " + encoder);
  Configuration out;
  out.encoder = known->second;
  out.recommender.pointer = next_basket;
  out.recommender.item_bias = next_basket;
  out.recommender.max_age = next_basket ? 32 : 0;
  out.recommender.max_length = out.task.max_length = next_basket ? 300 : 200;
  out.task.next_basket = next_basket;
  if (next_basket) {
    out.recommender.item_deviation = 0.1;
    out.training = {.batch_size = 64, .max_epochs = 12, .patience = 5, .learning_rate = 3e-3};
  } else {
    out.training = {.batch_size = 128, .max_epochs = 100, .patience = 10, .learning_rate = 1e-3};
  }
  return out;
}

namespace heed::io::detail {
template <>
inline const std::map<std::string, optim::Decay>& names_of() {
  static const std::map<std::string, optim::Decay> names{{"constant", optim::Decay::constant},
                                                         {"cosine", optim::Decay::cosine}};
  return names;
}
template <OptionsOf<recsys::TrainOptions> O, class F>
void each_option(O& o, F&& f) {
  f("batch_size", o.batch_size);
  f("max_tokens", o.max_tokens);
  f("max_epochs", o.max_epochs);
  f("patience", o.patience);
  f("learning_rate", o.learning_rate);
  f("warm_up", o.warm_up);
  f("decay", o.decay);
  f("clip_norm", o.clip_norm);
}
}  // namespace heed::io::detail

inline nlohmann::json to_json(const Configuration& configuration) {
  using heed::io::detail::to_json;
  return {{"recommender", to_json(configuration.recommender)},
          {"encoder", to_json(configuration.encoder)},
          {"task", to_json(configuration.task)},
          {"training", to_json(configuration.training)}};
}

/// Changes what `patch` names: {"encoder": {"num_blocks": 4}}. Throws heed::OptionError on a name that is not there and
/// on a value of another type.
inline void change(const nlohmann::json& patch, Configuration& configuration) {
  nlohmann::json all = to_json(configuration);
  const auto check = [](auto&& self, const nlohmann::json& from, const nlohmann::json& to, std::string path) -> void {
    for (const auto& [name, value] : from.items()) {
      const std::string at = path.empty() ? name : path + "." + name;
      if (!to.is_object() || !to.contains(name)) heed::fail<heed::OptionError>("set", "there is no option " + at);
      if (value.is_object()) self(self, value, to.at(name), at);
    }
  };
  check(check, patch, all, "");
  all.merge_patch(patch);
  try {
    using heed::io::detail::from_json;
    from_json(all.at("recommender"), configuration.recommender);
    from_json(all.at("encoder"), configuration.encoder);
    from_json(all.at("task"), configuration.task);
    from_json(all.at("training"), configuration.training);
  } catch (const nlohmann::json::exception& error) {
    heed::fail<heed::OptionError>("set", error.what());
  } catch (const std::out_of_range&) {
    heed::fail<heed::OptionError>("set", "not one of the choices in " + patch.dump());
  }
}

/// The command line's way to a configuration: options by name, and any other by `--set path=value`.
class ConfigurationOptions {
 public:
  void add_options(CLI::App& app) {
    std::string names;
    for (const auto& [name, encoder] : heed::io::encoders()) names += (names.empty() ? "" : "|") + name;
    app.add_option("--encoder", encoder_, "Which: " + names)
        ->check(CLI::IsMember(heed::io::encoders()).description(""))
        ->capture_default_str();
    add<heed::Index>(app, "--epochs", "training.max_epochs", "At most");
    add<heed::Index>(app, "--patience", "training.patience", "Epochs without a better validation NDCG before it ends");
    add<double>(app, "--learning-rate", "training.learning_rate", "Of Adam");
    add<heed::Index>(app, "--batch-size", "training.batch_size", "Examples a step");
    add<std::string>(app, "--attention", "encoder.attention", "none|additive|multi_head|target");
    add<std::string>(app, "--loss", "recommender.loss.kind", "softmax|sampled_softmax|bce|gbce");
    add<heed::Index>(app, "--negatives", "recommender.loss.negatives", "Sampled items of a loss that samples");
    add<heed::Index>(app, "--embed-dim", "recommender.embed_dim", "Width of item vectors");
    add<heed::Index>(app, "--hidden-size", "encoder.hidden_size", "Width of recurrent states");
    add<heed::Index>(app, "--blocks", "encoder.num_blocks", "Blocks of a transformer");
    add<heed::Index>(app, "--heads", "encoder.num_heads", "Heads of an attention");
    add<double>(app, "--dropout", "encoder.dropout", "Share of values dropped in training");
    add<heed::Index>(app, "--max-length", "task.max_length", "Events of a history that the model sees");
    app.add_flag_callback(
        "--no-pointer", [this] { set("recommender.pointer", false); }, "Without the repeat-aware head");
    app.add_option_function<std::vector<std::string>>(
        "--set",
        [this](const std::vector<std::string>& all) {
          for (const std::string& one : all) {
            const auto equals = one.find('=');
            if (equals == std::string::npos) throw CLI::ValidationError("--set", one + " is not path=value");
            const std::string text = one.substr(equals + 1);
            const auto value = nlohmann::json::parse(text, nullptr, false);
            set(one.substr(0, equals), value.is_discarded() ? nlohmann::json(text) : value);
          }
        },
        "Any option of the model, its task and training, e.g. encoder.num_blocks=4");
  }

  Configuration configuration(bool next_basket) const {
    Configuration out = preset(encoder_, next_basket);
    change(patch_, out);
    out.recommender.max_length = out.task.max_length;
    return out;
  }

 private:
  template <class T>
  void add(CLI::App& app, const std::string& flag, const std::string& path, const std::string& what) {
    app.add_option_function<T>(
        flag, [this, path](const T& value) { set(path, value); }, what);
  }
  void set(std::string path, const nlohmann::json& value) {
    std::replace(path.begin(), path.end(), '.', '/');
    try {
      patch_[nlohmann::json::json_pointer("/" + path)] = value;
    } catch (const nlohmann::json::exception& error) {
      throw CLI::ValidationError("--set", error.what());
    }
  }

  std::string encoder_ = "attention";
  nlohmann::json patch_ = nlohmann::json::object();
};
