// SPDX-License-Identifier: Apache-2.0
// Saves a trained recommender in one safetensors file: weights, options, task, catalogue. Requires nlohmann-json.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <map>
#include <new>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/core/printable.hpp"
#include "heed/core/utf8.hpp"
#include "heed/data/catalogue.hpp"
#include "heed/io/checkpoint.hpp"
#include "heed/io/detail/json_list.hpp"
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
  Checksum checksum =
      Checksum::none;  ///< of the file; `none` as in files of older versions, whose damage goes unnoticed
};

namespace detail {

inline constexpr std::string_view recommender_format = "heed.recommender.2";  ///< the first that was released

// Options of a file beyond these are damage: a layer takes memory before its weights are read, a session reserves its
// history.
inline constexpr Index max_layers = 1'000, max_history = 100'000'000;

/// Throws IoError on a weight that is not finite: one makes all scores NaN.
template <nn::Module M>
void check_finite(const M& module, const std::string& path) {
  nn::for_each_parameter(module, [&](const std::string& name, const auto& parameter) {
    const auto values = parameter.value().array();
    if ((values * 0).sum() == 0) return;  // 0 times infinity or NaN is NaN
    Index at = 0;
    while (std::isfinite(values[at])) ++at;
    fail<IoError>("load_recommender", path, ": tensor '", printable(name), "' has ", static_cast<double>(values[at]),
                  " at element ", at);
  });
}

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
/// and `counts` (JSON lists, a number per item); `note.KEY` for each of `notes`. Replaces the file atomically. Throws
/// IoError, also on a text that is not UTF-8, and ShapeError when the catalogue does not fit the model or its feature
/// differs from the model's.
template <class Scalar>
void save_recommender(const recsys::AnyRecommender<Scalar>& model, const data::Catalogue& catalogue,
                      const recsys::TaskOptions& task, const std::string& path,
                      const std::map<std::string, std::string>& notes = {}) {
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
  std::map<std::string, std::string> metadata{
      {"format", std::string(detail::recommender_format)},
      {"heed_version", version()},
      {"options", options.dump()},
      {"kinds", detail::texts_of(catalogue.kinds, "kind", path).dump()},
      {"features", detail::texts_of(catalogue.features.names, "feature", path).dump()},
      {"item_features", nlohmann::json(catalogue.features.values).dump()},
      {"counts", nlohmann::json(catalogue.counts).dump()},
      {"items", detail::texts_of(catalogue.items, "item", path).dump()},
      {"names", names.dump(-1, ' ', false, replace)}};
  for (const auto& [key, value] : notes) metadata.emplace("note." + key, value);
  save(model, path, metadata);
}

/// Reads a file written by save_recommender, by this or an older version. Throws IoError with the path and the fault,
/// also on weights that are not finite. Takes at most about 4 times the memory of the file: the tensors are compared
/// with the options before memory is allocated for them.
template <class Scalar>
SavedRecommender<Scalar> load_recommender(const std::string& path) {
  const SafetensorsFile file(path);
  const auto bad = [&](std::string_view what) { fail<IoError>("load_recommender", path, ": ", what); };
  const auto& metadata = file.metadata();
  detail::check_format("load_recommender", file, detail::recommender_format);
  recsys::NextItemOptions model;
  recsys::AnyEncoderOptions encoder;
  recsys::TaskOptions task;
  data::Catalogue catalogue;
  Index named = 0;
  try {
    const nlohmann::json options = parse_json(metadata.at("options"), message(path, ": metadata 'options'"));
    from_json(options.at("recommender"), model);
    options.at("encoder").at(detail::choice_key);  // throws: a file must name its encoder
    from_json(options.at("encoder"), encoder);
    from_json(options.at("task"), task);
    detail::for_each_element<data::Id>("item_features", metadata.at("item_features"),
                                       [&](data::Id value) { catalogue.features.values.push_back(value); });
    detail::for_each_element<std::string>("items", metadata.at("items"),
                                          [&](const std::string& text) { catalogue.items.add(text); });
    detail::for_each_element<std::string>("names", metadata.at("names"), [&](const std::string& name) {
      if (named < catalogue.items.size()) catalogue.items.set_name(static_cast<data::Id>(named), name);
      ++named;
    });
    // Files of older versions may lack these.
    const auto read_texts = [&](const char* key, data::Vocabulary& to) {
      if (!metadata.contains(key)) return;
      detail::for_each_element<std::string>(key, metadata.at(key), [&](const std::string& text) { to.add(text); });
    };
    read_texts("kinds", catalogue.kinds);
    read_texts("features", catalogue.features.names);
    if (metadata.contains("counts")) {
      detail::for_each_element<Index>("counts", metadata.at("counts"),
                                      [&](Index count) { catalogue.counts.push_back(count); });
    }
  } catch (const nlohmann::json::exception& error) {
    bad(message("metadata: ", printable(error.what(), 1000)));
  } catch (const OptionError& error) {
    bad(message("metadata: ", error.what()));
  } catch (const std::out_of_range&) {
    bad("metadata lacks options, item_features, items or names");
  }
  if (const std::string wrong = detail::misfit(catalogue, model); !wrong.empty()) bad(wrong);
  if (named != catalogue.items.size()) bad(message(named, " names of ", catalogue.items.size(), " items"));
  if (std::ranges::any_of(catalogue.counts, [](Index count) { return count < 0; })) bad("counts below 0");
  // Sizes whose products could overflow are rejected first. The model's parameters have shapes, but no memory until
  // `load` has compared them with the file.
  Index bytes = 0;
  for (const auto& tensor : file.tensors()) bytes += std::ssize(file.bytes(tensor.name));
  const auto check = [&](const char* name, const auto& field) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, Index>) {
      const std::string_view option = name;
      const bool layers = option == "num_blocks" || option == "num_layers";
      const Index most = option == "max_length" ? detail::max_history : layers ? detail::max_layers : bytes;
      if (field <= most) return;
      if (most == bytes)
        bad(message("options say ", name, " ", field, ", the file holds ", bytes, " bytes of weights"));
      bad(message("options say ", name, " ", field, ", wanted at most ", most));
    }
  };
  for_each_field(model, check);
  for_each_field(encoder, check);
  for_each_field(task, [&](const char* name, const auto& field) {
    if (name == std::string_view("max_length")) check(name, field);
  });
  try {
    recsys::AnyRecommender<Scalar> made(model, encoder, catalogue);
    SavedRecommender<Scalar> out{std::move(made), std::move(catalogue), task, file.checksum()};
    load(out.model, file);
    detail::check_finite(out.model, path);
    return out;
  } catch (const IoError&) {
    throw;
  } catch (const Error& error) {
    bad(message("options: ", error.what()));
    throw;
  } catch (const std::bad_alloc&) {
    fail<IoError>("load_recommender", path, ": the options require more memory than is available");
  }
}

}  // namespace heed::inline HEED_ABI::io
