// SPDX-License-Identifier: Apache-2.0
// Saves a trained recommender in one safetensors file: weights, options, task, catalogue. Requires nlohmann-json.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <limits>
#include <map>
#include <new>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "heed/core/printable.hpp"
#include "heed/core/utf8.hpp"
#include "heed/data/catalogue.hpp"
#include "heed/data/time.hpp"
#include "heed/io/checkpoint.hpp"
#include "heed/io/detail/json_scanner.hpp"
#include "heed/io/options_json.hpp"
#include "heed/recsys/check_finite.hpp"
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
  /// Of the log that the model was trained on; nullopt when that had no times, was not given, or for a file of format
  /// 2, unless the cuts tell it by their range.
  std::optional<data::TimeUnit> time_unit{};
};

namespace detail {

inline constexpr std::string_view recommender_format = "heed.recommender.3";
inline constexpr int oldest_recommender_version = 2;  ///< the first that was released

// Options of a file beyond these are damage: a layer takes memory before its weights are read, a session reserves its
// history.
inline constexpr Index max_layers = 1'000, max_history = 100'000'000;

// JSON takes many times the memory of its text, and a text of a vocabulary several times its bytes. A catalogue may
// have more kinds or values of its feature only if it has more items.
inline constexpr std::size_t max_options = 65'536;
inline constexpr Index max_names = 65'536;

/// Converts the options of a task of format 2, whose cuts had no unit (that of the log), and were both 0 without cuts.
inline void convert_task_of_version_2(nlohmann::json& task) {
  nlohmann::json cuts = nlohmann::json::object();
  std::uint64_t most = 0;
  for (const char* name : {"validation_time", "test_time"}) {
    if (!task.is_object() || !task.contains(name)) continue;
    const auto time = from_json<std::int64_t>(task.at(name), name);
    most = std::max(most, data::detail::magnitude(time));
    cuts[name] = time;
    task.erase(name);
  }
  if (most == 0) return;
  cuts["unit"] = to_json(data::detail::unit_of_largest(most));
  task["cuts"] = std::move(cuts);
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
  if (std::max(kinds.size(), features.names.size()) > std::max(max_names, items.size())) {
    return message(kinds.size(), " kinds and ", features.names.size(), " values of the feature of ", items.size(),
                   " items, wanted at most ", max_names, " or the items");
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

/// What the metadata of a file describe.
struct Description {
  recsys::NextItemOptions model;
  recsys::AnyEncoderOptions encoder;
  recsys::TaskOptions task;
  std::optional<data::TimeUnit> time_unit;
  data::Catalogue catalogue;
};

/// Throws IoError for options that no file with `bytes` bytes of weights can have: products of such sizes could
/// overflow.
inline void check_sizes(const Description& description, Index bytes, const std::string& path) {
  const auto check = [&](const char* name, const auto& field) {
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(field)>, Index>) {
      const std::string_view option = name;
      const bool layers = option == "num_blocks" || option == "num_layers", length = option == "max_length";
      const Index most = length ? max_history : layers ? max_layers : bytes;
      if (field <= most) return;
      fail<IoError>("load_recommender", path, ": options say ", name, " ", field, ", wanted at most ", most,
                    length || layers ? "" : ", the bytes of weights in the file");
    }
  };
  for_each_field(description.model, check);
  for_each_field(description.encoder, check);
  check("max_length", description.task.max_length);
}

/// Reads the metadata of a file with `bytes` bytes of weights. The memory is that of the catalogue, whose lists are no
/// longer than its number of items allows.
inline Description read_description(const std::map<std::string, std::string>& metadata, int version, Index bytes,
                                    const std::string& path) {
  const auto bad = [&](std::string_view what) { fail<IoError>("load_recommender", path, ": ", what); };
  Description out;
  // Not a structured binding: Clang 16 cannot capture one with OpenMP.
  auto& model = out.model;
  auto& encoder = out.encoder;
  auto& task = out.task;
  auto& time_unit = out.time_unit;
  auto& catalogue = out.catalogue;
  try {
    const std::string& text = metadata.at("options");
    if (text.size() > max_options) bad(message("metadata 'options' is above ", max_options, " bytes"));
    nlohmann::json options = parse_json(text, message(path, ": metadata 'options'"));
    from_json(options.at("recommender"), model);
    options.at("encoder").at(choice_key);  // throws: a file must name its encoder
    from_json(options.at("encoder"), encoder);
    if (version == 2) convert_task_of_version_2(options.at("task"));
    from_json(options.at("task"), task);
    if (options.contains("time_unit")) {
      time_unit = from_json<std::optional<data::TimeUnit>>(options.at("time_unit"), "time_unit");
    }
    if (version == 2 && task.cuts) time_unit = task.cuts->unit;
    for (const auto& unit : {time_unit, task.cuts ? std::optional(task.cuts->unit) : std::nullopt}) {
      if (unit) data::detail::ticks_per_second("options", *unit);
    }
  } catch (const nlohmann::json::exception& error) {
    bad(message("metadata: ", printable(error.what(), 1000)));
  } catch (const OptionError& error) {
    bad(message("metadata: ", error.what()));
  } catch (const std::out_of_range&) {
    bad("metadata lacks options");
  }
  check_sizes(out, bytes, path);

  // Files of older versions may lack some lists; what is then missing in the catalogue is found by `misfit`.
  const auto each = [&](const char* key, Index most, const auto& read) {
    const auto list = metadata.find(key);
    if (list == metadata.end()) return;
    Index count = 0;
    const auto complain = [&](std::string_view what) { bad(message(key, "[", count, "]: ", what)); };
    JsonScanner scanner(list->second, complain);
    scanner.each('[', ']', [&] {
      if (count == most) complain(message("wanted at most ", most));
      read(scanner);
      ++count;
    });
    scanner.end();
  };
  const auto read_numbers = [&]<class T>(const char* key, T low, std::vector<T>& to) {
    each(key, model.num_items, [&](auto& scanner) {
      if (to.empty()) to.reserve(static_cast<std::size_t>(model.num_items));
      to.push_back(static_cast<T>(scanner.integer(low, std::numeric_limits<T>::max())));
    });
  };
  const auto read_texts = [&](const char* key, Index most, data::Vocabulary& to) {
    std::string text;
    Index count = 0;
    std::size_t size = 0;
    each(key, most, [&](auto& scanner) {
      scanner.string(text);
      size += text.size();
      ++count;
    });
    to.reserve(count, size);
    each(key, most, [&](auto& scanner) {
      scanner.string(text);
      to.add(text);
    });
  };
  const Index most = std::max(max_names, model.num_items);
  read_texts("items", model.num_items, catalogue.items);
  if (catalogue.items.size() != model.num_items) {
    bad(message(catalogue.items.size(), " ids for ", model.num_items, " items"));
  }
  read_texts("kinds", most, catalogue.kinds);
  read_texts("features", most, catalogue.features.names);
  data::Id named = 0;
  std::string name;
  each("names", model.num_items, [&](auto& scanner) {
    scanner.string(name);
    catalogue.items.set_name(named++, name);
  });
  read_numbers("item_features", data::Vocabulary::unknown, catalogue.features.values);
  read_numbers("counts", Index{0}, catalogue.counts);
  if (const std::string wrong = misfit(catalogue, model); !wrong.empty()) bad(wrong);
  if (named != model.num_items) bad(message(named, " names of ", model.num_items, " items"));
  return out;
}

}  // namespace detail

/// Writes the model with its catalogue. Metadata: `options` (JSON object), `items` and `names` (JSON lists of ids and
/// names of items), `kinds` and `features` (JSON lists of kinds of event and values of the feature), `item_features`
/// and `counts` (JSON lists, a number per item); `note.KEY` for each of `notes`. `time_unit` is that of the log that
/// the model was trained on, if it has times. Replaces the file atomically. Throws IoError, also on a text that is not
/// UTF-8, and ShapeError when the catalogue does not fit the model, its feature differs from the model's, or it has
/// more than 65,536 kinds or values of the feature and fewer items.
template <class Scalar>
void save_recommender(const recsys::AnyRecommender<Scalar>& model, const data::Catalogue& catalogue,
                      const recsys::TaskOptions& task, const std::string& path,
                      std::optional<data::TimeUnit> time_unit = {},
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
                               {"task", to_json(task)},
                               {"time_unit", detail::json_of(time_unit)}};
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

/// The same for a model that was trained on `task`.
template <class Scalar>
void save_recommender(const recsys::AnyRecommender<Scalar>& model, const recsys::Task& task, const std::string& path) {
  const bool timed = !task.log().times.empty();
  save_recommender(model, task.catalogue(), task.options(), path,
                   timed ? std::optional(task.log().time_unit) : std::nullopt);
}

/// Reads a file written by save_recommender, by this or an older version; its weights may since have been converted to
/// F16 or BF16. Throws IoError with the path and the fault, also on weights that are not finite. Takes at most about 4
/// times the memory of the file and 16 MB, its weights counted as Scalar (5 times where double is read from F32): the
/// tensors are compared with the options before memory is allocated for them.
template <class Scalar>
SavedRecommender<Scalar> load_recommender(const std::string& path) {
  SafetensorsFile file(path);
  const int version =
      detail::check_format("load_recommender", file, detail::recommender_format, detail::oldest_recommender_version);
  Index bytes = 0;
  for (const auto& tensor : file.tensors()) bytes += tensor.end - tensor.begin;
  auto [model, encoder, task, time_unit, catalogue] =
      detail::read_description(file.take_metadata(), version, bytes, path);
  try {
    // The parameters have shapes, but no memory until `load` has compared them with the file.
    recsys::AnyRecommender<Scalar> made(model, encoder, catalogue);
    SavedRecommender<Scalar> out{std::move(made), std::move(catalogue), task, file.checksum(), time_unit};
    load(out.model, file);
    const std::string wrong = recsys::weight_not_finite(out.model);
    if (!wrong.empty()) fail<IoError>("load_recommender", path, ": ", wrong);
    return out;
  } catch (const IoError&) {
    throw;
  } catch (const Error& error) {
    fail<IoError>("load_recommender", path, ": options: ", error.what());
  } catch (const std::bad_alloc&) {
    fail<IoError>("load_recommender", path, ": the options require more memory than is available");
  }
}

}  // namespace heed::inline HEED_ABI::io
