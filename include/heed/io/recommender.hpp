// SPDX-License-Identifier: Apache-2.0
// A trained recommender in one safetensors file: weights, options, task and the catalogue. Needs nlohmann-json.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "heed/data/vocabulary.hpp"
#include "heed/io/checkpoint.hpp"
#include "heed/io/utf8.hpp"
#include "heed/recsys/models/attention_recommender.hpp"
#include "heed/recsys/task.hpp"

namespace heed::inline HEED_ABI::io {

/// The kinds of attention by the names that files and command lines give them.
inline const std::map<std::string, recsys::AttentionKind>& attention_kinds() {
  using enum recsys::AttentionKind;
  static const std::map<std::string, recsys::AttentionKind> kinds{
      {"none", none}, {"additive", additive}, {"multi_head", multi_head}, {"target", target}};
  return kinds;
}

/// Everything that serving needs.
template <class Scalar>
struct SavedRecommender {
  recsys::AttentionRecommender<Scalar> model;
  data::Vocabulary item_ids;
  recsys::TaskOptions task;
};

namespace detail {

inline constexpr std::string_view recommender_format = "heed.attention_recommender.1";

/// Calls `f(name, field)` for every option that is kept: the one list that writing and reading share.
template <class Model, class Task, class F>
void each_option(Model& model, Task& task, F&& f) {
  f("num_items", model.num_items);
  f("embed_dim", model.embed_dim);
  f("hidden_size", model.hidden_size);
  f("decoder", model.decoder);
  f("attention", model.attention);
  f("num_heads", model.num_heads);
  f("pointer", model.pointer);
  f("max_age", model.max_age);
  f("dropout", model.dropout);
  f("next_basket", task.next_basket);
  f("max_length", task.max_length);
  f("k", task.k);
}

}  // namespace detail

/// Writes the model with its catalogue: metadata `options` (JSON object), `items` (JSON list of ids) and `names` (the
/// same of names). Written beside and renamed. Throws IoError, also on an id that is not UTF-8.
template <class Scalar>
void save_recommender(recsys::AttentionRecommender<Scalar>& model, const data::Vocabulary& item_ids,
                      const recsys::TaskOptions& task, const std::string& path) {
  if (item_ids.size() != model.num_items()) {
    fail<ShapeError>("save_recommender", message(item_ids.size(), " ids for a model of ", model.num_items(), " items"));
  }
  nlohmann::json options, ids = nlohmann::json::array(), names = nlohmann::json::array();
  detail::each_option(model.options(), task, [&](const char* name, const auto& field) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, recsys::AttentionKind>) {
      for (const auto& [text, kind] : attention_kinds()) {
        if (kind == field) options[name] = text;
      }
    } else {
      options[name] = field;
    }
  });
  for (std::int32_t i = 0; i < item_ids.size(); ++i) {
    const std::string id(item_ids.id(i));
    if (detail::utf8_valid_prefix(id) != id.size()) {
      fail<IoError>("save_recommender", message(path, ": the id of item ", i, " is not UTF-8"));
    }
    ids.push_back(id);
    names.push_back(std::string(item_ids.name(i)));
  }
  // A name is there to be read by people: its stray bytes may be replaced, an id's may not.
  constexpr auto replace = nlohmann::json::error_handler_t::replace;
  save(model, path,
       {{"format", std::string(detail::recommender_format)},
        {"heed_version", version()},
        {"options", options.dump()},
        {"items", ids.dump()},
        {"names", names.dump(-1, ' ', false, replace)}});
}

/// Reads what save_recommender wrote. Throws IoError that names the file and what is wrong with it.
template <class Scalar>
SavedRecommender<Scalar> load_recommender(const std::string& path) {
  const SafetensorsFile file(path);
  const auto bad = [&](std::string_view what) { fail<IoError>("load_recommender", message(path, ": ", what)); };
  const auto& metadata = file.metadata();
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != detail::recommender_format) {
    bad(message("metadata 'format' is not ", detail::recommender_format));
  }
  recsys::AttentionRecommenderOptions model;
  recsys::TaskOptions task;
  data::Vocabulary item_ids;
  try {
    const auto options = nlohmann::json::parse(metadata.at("options"));
    detail::each_option(model, task, [&](const char* name, auto& field) {
      if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, recsys::AttentionKind>) {
        field = attention_kinds().at(options.at(name).template get<std::string>());
      } else {
        options.at(name).get_to(field);
      }
    });
    const auto ids = nlohmann::json::parse(metadata.at("items")), names = nlohmann::json::parse(metadata.at("names"));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::int32_t number = item_ids.add(ids.at(i).get_ref<const std::string&>());
      item_ids.set_name(number, names.at(i).get_ref<const std::string&>());
    }
  } catch (const nlohmann::json::exception& error) {
    bad(message("metadata: ", error.what()));
  } catch (const std::out_of_range&) {
    bad("metadata lacks options, items or names, or names an unknown attention");
  }
  if (model.num_items != item_ids.size()) bad(message(item_ids.size(), " ids for ", model.num_items, " items"));
  // The weights are in memory and counted: no size that they do not bear out is believed, and memory taken for it.
  const auto check = [&](std::string_view name, const std::vector<Index>& shape) {
    if (file.contains(name) && file.info(name).shape == shape) return;
    bad(message("options say that tensor '", name, "' is ", detail::text(shape)));
  };
  check("items.weight", {model.num_items, model.embed_dim});
  check("encoder.weight_hh_l0", {4 * model.hidden_size, model.hidden_size});
  if (model.max_age > 0) check("ages.weight", {model.max_age, model.embed_dim});
  SavedRecommender<Scalar> out{recsys::AttentionRecommender<Scalar>(model), std::move(item_ids), task};
  load(out.model, file);
  return out;
}

}  // namespace heed::inline HEED_ABI::io
