// SPDX-License-Identifier: Apache-2.0
// A trained recommender in one safetensors file: weights, options, task and the catalogue. Needs nlohmann-json.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/data/vocabulary.hpp"
#include "heed/io/checkpoint.hpp"
#include "heed/io/options_json.hpp"
#include "heed/io/utf8.hpp"
#include "heed/recsys/models/any.hpp"
#include "heed/recsys/task.hpp"

namespace heed::inline HEED_ABI::io {

/// The names of what a model sees of an event beside its item, in its numbers; empty where it sees none.
struct FieldNames {
  data::Vocabulary kinds, features;
};

/// Everything that serving needs.
template <class Scalar>
struct SavedRecommender {
  recsys::AnyRecommender<Scalar> model;
  data::Vocabulary item_ids;
  recsys::TaskOptions task;
  FieldNames fields{};
};

namespace detail {

inline constexpr std::string_view recommender_format = "heed.recommender.2";

/// Throws IoError on an id that is not UTF-8.
inline nlohmann::json ids_of(const data::Vocabulary& vocabulary, std::string_view what, const std::string& path) {
  nlohmann::json out = nlohmann::json::array();
  for (std::int32_t i = 0; i < vocabulary.size(); ++i) {
    const std::string id(vocabulary.id(i));
    if (utf8_valid_prefix(id) != id.size()) {
      fail<IoError>("save_recommender", path, ": the id of ", what, " ", i, " is not UTF-8");
    }
    out.push_back(id);
  }
  return out;
}

}  // namespace detail

/// Writes the model with its catalogue: metadata `options` (JSON object), `items` (JSON list of ids), `names` (the same
/// of names), `kinds` and `features` (of `fields`). Written beside and renamed. Throws IoError, also on an id that is
/// not UTF-8; ShapeError when names do not fit the model.
template <class Scalar>
void save_recommender(recsys::AnyRecommender<Scalar>& model, const data::Vocabulary& item_ids,
                      const recsys::TaskOptions& task, const std::string& path, const FieldNames& fields = {}) {
  if (item_ids.size() != model.num_items()) {
    fail<ShapeError>("save_recommender", item_ids.size(), " ids for a model of ", model.num_items(), " items");
  }
  const auto check_names = [](const data::Vocabulary& names, Index wanted, std::string_view what) {
    if (names.size() != 0 && names.size() != wanted) {
      fail<ShapeError>("save_recommender", names.size(), " names for ", wanted, " ", what);
    }
  };
  check_names(fields.kinds, model.options().num_kinds, "kinds of event");
  check_names(fields.features, model.options().num_features, "values of the item feature");
  const auto features = model.input.item_features();
  const nlohmann::json ids = detail::ids_of(item_ids, "item", path);
  nlohmann::json names = nlohmann::json::array();
  const nlohmann::json options{{"recommender", to_json(model.options())},
                               {"encoder", to_json(model.encoder_options())},
                               {"task", to_json(task)}};
  for (std::int32_t i = 0; i < item_ids.size(); ++i) names.push_back(std::string(item_ids.name(i)));
  // A name is there to be read by people: its stray bytes may be replaced, an id's may not.
  constexpr auto replace = nlohmann::json::error_handler_t::replace;
  save(model, path,
       {{"format", std::string(detail::recommender_format)},
        {"heed_version", version()},
        {"options", options.dump()},
        {"kinds", detail::ids_of(fields.kinds, "kind", path).dump()},
        {"features", detail::ids_of(fields.features, "feature", path).dump()},
        {"item_features", nlohmann::json(std::vector<std::int32_t>(features.begin(), features.end())).dump()},
        {"items", ids.dump()},
        {"names", names.dump(-1, ' ', false, replace)}});
}

/// Reads what save_recommender wrote. Throws IoError that names the file and what is wrong with it.
template <class Scalar>
SavedRecommender<Scalar> load_recommender(const std::string& path) {
  const SafetensorsFile file(path);
  const auto bad = [&](std::string_view what) { fail<IoError>("load_recommender", path, ": ", what); };
  const auto& metadata = file.metadata();
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != detail::recommender_format) {
    bad(message("metadata 'format' is not ", detail::recommender_format));
  }
  recsys::NextItemOptions model;
  recsys::AnyEncoderOptions encoder;
  recsys::TaskOptions task;
  data::Vocabulary item_ids;
  FieldNames fields;
  std::vector<std::int32_t> features;
  try {
    const auto options = nlohmann::json::parse(metadata.at("options"));
    from_json(options.at("recommender"), model);
    options.at("encoder").at(detail::choice_key);  // throws: no encoder is a file's default
    from_json(options.at("encoder"), encoder);
    from_json(options.at("task"), task);
    features = nlohmann::json::parse(metadata.at("item_features")).get<std::vector<std::int32_t>>();
    const auto ids = nlohmann::json::parse(metadata.at("items")), names = nlohmann::json::parse(metadata.at("names"));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::int32_t number = item_ids.add(ids.at(i).get_ref<const std::string&>());
      item_ids.set_name(number, names.at(i).get_ref<const std::string&>());
    }
    const auto read_fields = [&](const char* key, data::Vocabulary& to) {
      if (!metadata.contains(key)) return;  // a file of before they were kept
      for (const auto& id : nlohmann::json::parse(metadata.at(key))) to.add(id.get_ref<const std::string&>());
    };
    read_fields("kinds", fields.kinds);
    read_fields("features", fields.features);
  } catch (const nlohmann::json::exception& error) {
    bad(message("metadata: ", error.what()));
  } catch (const OptionError& error) {
    bad(message("metadata: ", error.what()));
  } catch (const std::out_of_range&) {
    bad("metadata lacks options, item_features, items or names");
  }
  if ((fields.kinds.size() != 0 && fields.kinds.size() != model.num_kinds) ||
      (fields.features.size() != 0 && fields.features.size() != model.num_features)) {
    bad(message(fields.kinds.size(), " names of ", model.num_kinds, " kinds, ", fields.features.size(), " of ",
                model.num_features, " features"));
  }
  if (model.num_items != item_ids.size()) bad(message(item_ids.size(), " ids for ", model.num_items, " items"));
  if (std::ssize(features) != (model.num_features > 0 ? model.num_items : 0) ||
      std::ranges::any_of(features, [&](std::int32_t value) { return value < -1 || value >= model.num_features; })) {
    bad(message("item_features are not values below ", model.num_features, " of ", model.num_items, " items"));
  }
  // The weights are in memory and counted: no width that they do not bear out is believed, and memory taken for it.
  Index bytes = 0;
  for (const auto& tensor : file.tensors()) bytes += std::ssize(file.bytes(tensor.name));
  const auto check = [&](const char* name, const auto& field) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, Index>) {
      if (field > bytes && std::string_view(name) != "max_length")
        bad(message("options say ", name, " ", field, ", the file holds ", bytes, " bytes of weights"));
    }
  };
  for_each_field(model, check);
  for_each_field(encoder, check);
  try {
    SavedRecommender<Scalar> out{recsys::AnyRecommender<Scalar>(model, encoder), std::move(item_ids), task,
                                 std::move(fields)};
    if (model.num_features > 0) out.model.input.set_item_features(std::move(features));
    load(out.model, file);
    return out;
  } catch (const std::bad_alloc&) {
    fail<IoError>("load_recommender", path, ": options ask for more memory than there is");
  }
}

}  // namespace heed::inline HEED_ABI::io
