// SPDX-License-Identifier: Apache-2.0
// Saves a trained recommender in one safetensors file: weights, options, task, catalogue. Requires nlohmann-json.
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

#include "heed/core/utf8.hpp"
#include "heed/data/catalogue.hpp"
#include "heed/io/checkpoint.hpp"
#include "heed/io/options_json.hpp"
#include "heed/recsys/models/any.hpp"
#include "heed/recsys/task.hpp"

namespace heed::inline HEED_ABI::io {

/// A recommender with everything that serving requires.
template <class Scalar>
struct SavedRecommender {
  recsys::AnyRecommender<Scalar> model;
  data::Catalogue catalogue;
  recsys::TaskOptions task;
};

namespace detail {

inline constexpr std::string_view recommender_format = "heed.recommender.2";

/// Throws IoError on a text that is not UTF-8.
inline nlohmann::json texts_of(const data::Vocabulary& vocabulary, std::string_view what, const std::string& path) {
  nlohmann::json out = nlohmann::json::array();
  for (data::Id i = 0; i < vocabulary.size(); ++i) {
    const std::string text(vocabulary.text(i));
    if (heed::detail::utf8_valid_prefix(text) != text.size()) {
      fail<IoError>("save_recommender", path, ": the text of ", what, " ", i, " is not UTF-8");
    }
    out.push_back(text);
  }
  return out;
}

/// Describes why `catalogue` does not fit a model with these options; empty if it fits. Kinds and features that the
/// model does not use may be present; counts and the names of kinds and features may be missing.
inline std::string misfit(const data::Catalogue& catalogue, const recsys::NextItemOptions& model) {
  const auto& [items, kinds, features, counts] = catalogue;
  const auto of = [](Index size, Index wanted) { return wanted == 0 || size == 0 || size == wanted; };
  if (items.size() != model.num_items) return message(items.size(), " ids for ", model.num_items, " items");
  if (!of(kinds.size(), model.num_kinds) || !of(features.names.size(), model.num_features)) {
    return message(kinds.size(), " names of ", model.num_kinds, " kinds, ", features.names.size(), " of ",
                   model.num_features, " features");
  }
  const Index most = model.num_features > 0 ? model.num_features : features.names.size();
  const bool missing = features.values.empty() && model.num_features > 0;
  if (missing || (!features.values.empty() && std::ssize(features.values) != model.num_items) ||
      std::ranges::any_of(features.values, [&](data::Id value) { return value < -1 || value >= most; })) {
    return message("item_features are not values below ", most, " of ", model.num_items, " items");
  }
  if (!counts.empty() && std::ssize(counts) != model.num_items) {
    return message("counts of ", counts.size(), " items for ", model.num_items);
  }
  return {};
}

}  // namespace detail

/// Writes the model with its catalogue. Metadata: `options` (JSON object), `items` and `names` (JSON lists of ids and
/// names of items), `kinds` and `features` (JSON lists of kinds of event and values of the feature), `item_features`
/// and `counts` (JSON lists, a number per item). Replaces the file atomically. Throws IoError, also on a text that is
/// not UTF-8, and ShapeError when the catalogue does not fit the model or its feature differs from the model's.
template <class Scalar>
void save_recommender(const recsys::AnyRecommender<Scalar>& model, const data::Catalogue& catalogue,
                      const recsys::TaskOptions& task, const std::string& path) {
  if (const std::string wrong = detail::misfit(catalogue, model.options()); !wrong.empty()) {
    fail<ShapeError>("save_recommender", wrong);
  }
  if (model.options().num_features > 0 && !std::ranges::equal(catalogue.features.values, model.input.item_features())) {
    fail<ShapeError>("save_recommender", "the catalogue's feature is not the one that the model was constructed with");
  }
  nlohmann::json names = nlohmann::json::array();
  for (data::Id i = 0; i < catalogue.num_items(); ++i) names.push_back(std::string(catalogue.items.name(i)));
  const nlohmann::json options{{"recommender", to_json(model.options())},
                               {"encoder", to_json(model.encoder_options())},
                               {"task", to_json(task)}};
  // Names are for display, so invalid UTF-8 may be replaced; ids must be exact.
  constexpr auto replace = nlohmann::json::error_handler_t::replace;
  save(model, path,
       {{"format", std::string(detail::recommender_format)},
        {"heed_version", version()},
        {"options", options.dump()},
        {"kinds", detail::texts_of(catalogue.kinds, "kind", path).dump()},
        {"features", detail::texts_of(catalogue.features.names, "feature", path).dump()},
        {"item_features", nlohmann::json(catalogue.features.values).dump()},
        {"counts", nlohmann::json(catalogue.counts).dump()},
        {"items", detail::texts_of(catalogue.items, "item", path).dump()},
        {"names", names.dump(-1, ' ', false, replace)}});
}

/// Reads a file written by save_recommender. Throws IoError with the path and the fault.
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
  data::Catalogue catalogue;
  try {
    const auto parsed = [&](const char* key) -> nlohmann::json {
      return parse_json(metadata.at(key), message(path, ": metadata '", key, "'"));
    };
    const nlohmann::json options = parsed("options"), ids = parsed("items"), names = parsed("names");
    from_json(options.at("recommender"), model);
    options.at("encoder").at(detail::choice_key);  // throws: a file must name its encoder
    from_json(options.at("encoder"), encoder);
    from_json(options.at("task"), task);
    catalogue.features.values = from_json<std::vector<data::Id>>(parsed("item_features"), "item_features");
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const data::Id id = catalogue.items.add(ids.at(i).get_ref<const std::string&>());
      catalogue.items.set_name(id, names.at(i).get_ref<const std::string&>());
    }
    // Files of older versions may lack these.
    const auto read_texts = [&](const char* key, data::Vocabulary& to) {
      if (!metadata.contains(key)) return;
      for (const nlohmann::json& text : parsed(key)) to.add(text.get_ref<const std::string&>());
    };
    read_texts("kinds", catalogue.kinds);
    read_texts("features", catalogue.features.names);
    if (metadata.contains("counts")) catalogue.counts = from_json<std::vector<Index>>(parsed("counts"), "counts");
  } catch (const nlohmann::json::exception& error) {
    bad(message("metadata: ", error.what()));
  } catch (const OptionError& error) {
    bad(message("metadata: ", error.what()));
  } catch (const std::out_of_range&) {
    bad("metadata lacks options, item_features, items or names");
  }
  if (const std::string wrong = detail::misfit(catalogue, model); !wrong.empty()) bad(wrong);
  if (std::ranges::any_of(catalogue.counts, [](Index count) { return count < 0; })) bad("counts below 0");
  // An option larger than the stored weights is rejected before memory is allocated for it.
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
    recsys::AnyRecommender<Scalar> made(model, encoder, catalogue);
    SavedRecommender<Scalar> out{std::move(made), std::move(catalogue), task};
    load(out.model, file);
    return out;
  } catch (const std::bad_alloc&) {
    fail<IoError>("load_recommender", path, ": the options require more memory than is available");
  }
}

}  // namespace heed::inline HEED_ABI::io
