// SPDX-License-Identifier: Apache-2.0
// The options of recommenders as JSON: one list of fields a struct, which writing and reading share.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <variant>

#include "heed/recsys/models/any.hpp"
#include "heed/recsys/task.hpp"

namespace heed::inline HEED_ABI::io {

/// The names that files and command lines give to choices. No entry is missing.
inline const std::map<std::string, recsys::AttentionKind>& attention_kinds() {
  using enum recsys::AttentionKind;
  static const std::map<std::string, recsys::AttentionKind> names{
      {"none", none}, {"additive", additive}, {"multi_head", multi_head}, {"target", target}};
  return names;
}
inline const std::map<std::string, recsys::NextItemLoss::Kind>& loss_kinds() {
  using enum recsys::NextItemLoss::Kind;
  static const std::map<std::string, recsys::NextItemLoss::Kind> names{
      {"softmax", softmax}, {"sampled_softmax", sampled_softmax}, {"bce", bce}, {"gbce", gbce}};
  return names;
}
inline const std::map<std::string, nn::NormPlacement>& norm_placements() {
  using enum nn::NormPlacement;
  static const std::map<std::string, nn::NormPlacement> names{{"pre", pre}, {"post", post}, {"query", query}};
  return names;
}
inline const std::map<std::string, recsys::Combination>& combinations() {
  using enum recsys::Combination;
  static const std::map<std::string, recsys::Combination> names{{"add", add}, {"concat", concat}};
  return names;
}
/// Encoders with their default options.
inline const std::map<std::string, recsys::AnyEncoderOptions>& encoders() {
  static const std::map<std::string, recsys::AnyEncoderOptions> names{
      {"attention", {recsys::AttentionEncoderOptions{}}},
      {"gru4rec", {recsys::GruEncoder<float>::options_type{}}},
      {"hstu", {recsys::HSTUEncoderOptions{}}},
      {"ligr", {recsys::LiGREncoderOptions{}}},
      {"lstm4rec", {recsys::LstmEncoder<float>::options_type{}}},
      {"narm", {recsys::NarmEncoderOptions{}}},
      {"sasrec", {recsys::SASRecEncoderOptions{}}}};
  return names;
}

inline const std::map<std::string, recsys::SASRecProfile>& sasrec_profiles() {
  using recsys::SASRecProfile;
  static const std::map<std::string, SASRecProfile> names{{"paper", SASRecProfile::paper()},
                                                          {"plus", SASRecProfile::plus()},
                                                          {"post_norm", SASRecProfile::post_norm()},
                                                          {"pre_norm", SASRecProfile::pre_norm()}};
  return names;
}

/// The name of the encoder that the options choose.
inline std::string name_of(const recsys::AnyEncoderOptions& options) {
  for (const auto& [name, defaults] : encoders()) {
    if (defaults.encoder.index() == options.encoder.index()) return name;
  }
  return "";
}

namespace detail {

template <class Options, class Struct>
concept OptionsOf = std::is_same_v<std::remove_const_t<Options>, Struct>;

// Each calls `f(name, field)` for every option that is kept.

template <OptionsOf<recsys::TaskOptions> O, class F>
void each_option(O& o, F&& f) {
  f("next_basket", o.next_basket);
  f("validation_time", o.validation_time);
  f("test_time", o.test_time);
  f("max_length", o.max_length);
  f("k", o.k);
  f("learners", o.learners);
}
template <OptionsOf<recsys::NextItemLoss> O, class F>
void each_option(O& o, F&& f) {
  f("kind", o.kind);
  f("negatives", o.negatives);
  f("popularity", o.popularity);
  f("in_batch", o.in_batch);
  f("exclude_history", o.exclude_history);
  f("calibration", o.calibration);
  f("scale", o.scale);
  f("cosine", o.cosine);
}
template <OptionsOf<recsys::NextItemOptions> O, class F>
void each_option(O& o, F&& f) {
  f("num_items", o.num_items);
  f("embed_dim", o.embed_dim);
  f("max_length", o.max_length);
  f("item_deviation", o.item_deviation);
  f("max_age", o.max_age);
  f("num_kinds", o.num_kinds);
  f("num_features", o.num_features);
  f("combination", o.combination);
  f("item_bias", o.item_bias);
  f("pointer", o.pointer);
  f("loss", o.loss);
}
template <OptionsOf<recsys::AttentionEncoderOptions> O, class F>
void each_option(O& o, F&& f) {
  f("hidden_size", o.hidden_size);
  f("decoder", o.decoder);
  f("attention", o.attention);
  f("num_heads", o.num_heads);
  f("dropout", o.dropout);
}
template <OptionsOf<recsys::SASRecEncoderOptions> O, class F>
void each_option(O& o, F&& f) {
  f("num_blocks", o.num_blocks);
  f("num_heads", o.num_heads);
  f("feedforward_dim", o.feedforward_dim);
  f("norm", o.norm);
  f("dropout", o.dropout);
}

template <class O, class F>
  requires(OptionsOf<O, recsys::RecurrentEncoderOptions<nn::GRU>> ||
           OptionsOf<O, recsys::RecurrentEncoderOptions<nn::LSTM>>)
void each_option(O& o, F&& f) {
  f("hidden_size", o.hidden_size);
  f("num_layers", o.num_layers);
  f("dropout", o.dropout);
}
template <OptionsOf<recsys::NarmEncoderOptions> O, class F>
void each_option(O& o, F&& f) {
  f("hidden_size", o.hidden_size);
  f("num_layers", o.num_layers);
  f("dropout", o.dropout);
  f("context_dropout", o.context_dropout);
}
template <OptionsOf<recsys::LiGREncoderOptions> O, class F>
void each_option(O& o, F&& f) {
  f("num_blocks", o.num_blocks);
  f("num_heads", o.num_heads);
  f("feedforward_dim", o.feedforward_dim);
  f("dropout", o.dropout);
}
template <OptionsOf<recsys::HSTUEncoderOptions> O, class F>
void each_option(O& o, F&& f) {
  f("num_blocks", o.num_blocks);
  f("num_heads", o.num_heads);
  f("positions", o.positions);
  f("time_buckets", o.time_buckets);
  f("dropout", o.dropout);
}

template <class Enum>
const std::map<std::string, Enum>& names_of();
template <>
inline const std::map<std::string, recsys::AttentionKind>& names_of() {
  return attention_kinds();
}
template <>
inline const std::map<std::string, recsys::NextItemLoss::Kind>& names_of() {
  return loss_kinds();
}
template <>
inline const std::map<std::string, recsys::Combination>& names_of() {
  return combinations();
}
template <>
inline const std::map<std::string, nn::NormPlacement>& names_of() {
  return norm_placements();
}

template <class Options>
nlohmann::json to_json(const Options& options) {
  nlohmann::json out = nlohmann::json::object();
  each_option(options, [&](const char* name, const auto& field) {
    using Field = std::remove_cvref_t<decltype(field)>;
    if constexpr (std::is_enum_v<Field>) {
      for (const auto& [text, value] : names_of<Field>()) {
        if (value == field) out[name] = text;
      }
    } else if constexpr (std::is_class_v<Field>) {
      out[name] = to_json(field);
    } else {
      out[name] = field;
    }
  });
  return out;
}

/// An option that is not there keeps its default: a file may be older than the option. Throws
/// nlohmann::json::exception, or std::out_of_range on an unknown choice.
template <class Options>
void from_json(const nlohmann::json& json, Options& options) {
  each_option(options, [&](const char* name, auto& field) {
    using Field = std::remove_cvref_t<decltype(field)>;
    if (!json.contains(name)) return;
    if constexpr (std::is_enum_v<Field>) {
      field = names_of<Field>().at(json.at(name).template get<std::string>());
    } else if constexpr (std::is_class_v<Field>) {
      from_json(json.at(name), field);
    } else {
      json.at(name).get_to(field);
    }
  });
}

/// {"model": its name, its options}.
inline nlohmann::json to_json(const recsys::AnyEncoderOptions& options) {
  nlohmann::json out = std::visit([](const auto& one) { return to_json(one); }, options.encoder);
  out["model"] = name_of(options);
  return out;
}
inline void from_json(const nlohmann::json& json, recsys::AnyEncoderOptions& options) {
  options = encoders().at(json.at("model").get<std::string>());
  std::visit([&](auto& one) { from_json(json, one); }, options.encoder);
}

}  // namespace detail

}  // namespace heed::inline HEED_ABI::io
