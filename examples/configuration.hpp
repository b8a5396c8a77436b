// SPDX-License-Identifier: Apache-2.0
// What a training run is made of: model, task and training, under one name, changed by options or by JSON.
#pragma once

#include <CLI/CLI.hpp>
#include <heed/data/interactions.hpp>
#include <heed/io/recommender.hpp>
#include <heed/recsys/models/din.hpp>
#include <heed/recsys/trainer.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

/// Of a model of the next item.
struct Configuration {
  heed::recsys::NextItemOptions recommender;
  heed::recsys::AnyEncoderOptions encoder;
  heed::recsys::TaskOptions task;
  heed::recsys::TrainOptions training;
};
/// Of DIN, which says whether somebody takes an item.
struct ClickConfiguration {
  heed::recsys::DINOptions recommender;
  heed::recsys::TaskOptions task{.max_length = 50};
  heed::recsys::TrainOptions training{.batch_size = 32, .max_epochs = 40, .patience = 5};
};

/// Calls `f(name, part)` for each.
template <class C, class F>
void each_part(C& c, F&& f) {
  f("recommender", c.recommender);
  if constexpr (requires { c.encoder; }) f("encoder", c.encoder);
  f("task", c.task);
  f("training", c.training);
}

/// The named models: sizes as published where they are, the rest as chosen on validation, of the bundled purchases for
/// baskets.
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
    // Chosen on MovieLens-1M's validation: small batches, so that an epoch is many steps (189 there), and a rate that
    // rises for about one epoch, then falls to nothing.
    out.training = {.batch_size = 32,
                    .max_epochs = 30,
                    .patience = 30,
                    .learning_rate = 3e-3,
                    .warm_up = 188,
                    .decay = heed::optim::Decay::cosine};
    // Recurrent layers see item vectors as they are, the others scale them.
    if (encoder == "gru4rec" || encoder == "lstm4rec" || encoder == "narm") out.recommender.item_deviation = 0.1;
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
template <OptionsOf<recsys::DINOptions> O, class F>
void each_option(O& o, F&& f) {
  f("num_items", o.num_items);
  f("embed_dim", o.embed_dim);
  f("item_deviation", o.item_deviation);
  f("softmax", o.softmax);
  f("dropout", o.dropout);
  f("negatives", o.negatives);
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

/// JSON of all parts.
template <class C>
nlohmann::json options_of(const C& configuration) {
  nlohmann::json out;
  each_part(configuration, [&](const char* name, const auto& part) {
    using heed::io::detail::to_json;
    out[name] = to_json(part);
  });
  return out;
}

/// Options that others decide, so that nobody sets them.
inline const std::map<std::string, std::string>& followers() {
  static const std::map<std::string, std::string> names{{"recommender.max_length", "task.max_length"},
                                                        {"recommender.num_items", "the log"},
                                                        {"recommender.num_kinds", "the log"},
                                                        {"recommender.num_features", "the log"}};
  return names;
}

/// Changes what `patch` names: {"encoder": {"num_blocks": 4}}. Throws heed::OptionError on a name that is not there and
/// on a value of another type.
template <class C>
void change(const nlohmann::json& patch, C& configuration) {
  nlohmann::json all = options_of(configuration);
  const auto fits = [](const nlohmann::json& value, const nlohmann::json& now) {
    if (now.is_number_float()) return value.is_number();
    return now.is_number_integer() ? value.is_number_integer() : value.type() == now.type();
  };
  const auto check = [&](auto&& self, const nlohmann::json& from, const nlohmann::json& to, std::string path) -> void {
    for (const auto& [name, value] : from.items()) {
      const std::string at = path.empty() ? name : path + "." + name;
      if (!to.is_object() || !to.contains(name)) heed::fail<heed::OptionError>("set", "there is no option " + at);
      if (const auto follows = followers().find(at); follows != followers().end()) {
        heed::fail<heed::OptionError>("set", at + " follows " + follows->second);
      }
      const nlohmann::json& now = to.at(name);
      if (!fits(value, now)) {
        heed::fail<heed::OptionError>("set", heed::message(at, " is ", value, ", wanted something like ", now));
      }
      if (value.is_object()) self(self, value, now, at);
    }
  };
  check(check, patch, all, "");
  all.merge_patch(patch);
  try {
    each_part(configuration, [&](const char* name, auto& part) {
      using heed::io::detail::from_json;
      from_json(all.at(name), part);
    });
    if constexpr (requires { configuration.recommender.max_length; }) {
      configuration.recommender.max_length = configuration.task.max_length;
    }
  } catch (const nlohmann::json::exception& error) {
    heed::fail<heed::OptionError>("set", error.what());
  } catch (const std::out_of_range&) {
    heed::fail<heed::OptionError>("set", "not one of the choices in " + patch.dump());
  }
}

/// A model of this log's items and, where it has them, kinds of event and categories; not initialised.
inline heed::recsys::AnyRecommender<float> model_of(const Configuration& configuration,
                                                    const heed::data::Interactions& log) {
  auto options = configuration.recommender;
  options.num_items = log.num_items();
  options.num_kinds = log.kind_ids.size();
  options.num_features = log.item_features.names.size();
  heed::recsys::AnyRecommender<float> model(options, configuration.encoder);
  if (options.num_features > 0) model.input.set_item_features(log.item_features.values);
  return model;
}

/// The command line's way to a configuration: options by name, and any other by `--set path=value`.
class ConfigurationOptions {
 public:
  void add_options(CLI::App& app) {
    std::string names;
    for (const auto& [name, encoder] : heed::io::encoders()) names += (names.empty() ? "" : "|") + name;
    encoder_option_ = app.add_option("--encoder", encoder_, "Which: " + names)
                          ->check(CLI::IsMember(heed::io::encoders()).description(""))
                          ->capture_default_str();
    app.add_option("--profile", profile_,
                   "SASRec as published: paper|plus, or plus with another norm: pre_norm|post_norm")
        ->check(CLI::IsMember(heed::io::sasrec_profiles()).description(""))
        ->excludes(encoder_option_);
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

  CLI::Option* encoder_option() const { return encoder_option_; }
  /// What the command line changes of the preset or, given one, of a saved model's own options.
  Configuration configuration(bool next_basket, const heed::io::SavedRecommender<float>* saved = nullptr) const {
    const std::string encoder = saved              ? heed::io::name_of(saved->model.encoder_options())
                                : profile_.empty() ? encoder_
                                                   : "sasrec";
    Configuration out = preset(encoder, next_basket);
    if (!profile_.empty()) {
      const auto& profile = heed::io::sasrec_profiles().at(profile_);
      out.recommender = profile.model;
      out.encoder = {profile.encoder};
      out.task.max_length = profile.model.max_length;
      out.training = {.batch_size = 128, .max_epochs = profile_ == "paper" ? 200 : 100, .patience = 10};
    }
    if (saved) {
      out.recommender = saved->model.options();
      out.encoder = saved->model.encoder_options();
      out.task = saved->task;
    }
    change(patch_, out);
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

  std::string encoder_ = "attention", profile_;
  CLI::Option* encoder_option_ = nullptr;
  nlohmann::json patch_ = nlohmann::json::object();
};
