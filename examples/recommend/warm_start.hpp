// SPDX-License-Identifier: Apache-2.0
// Warm start from yesterday's model: today's log gets its ids, and training starts from its weights.
#pragma once

#include <cstdio>
#include <heed/data/renumber.hpp>
#include <heed/nn/init.hpp>
#include <heed/recsys/warm_start.hpp>
#include <optional>
#include <string>
#include <utility>

#include "configuration_options.hpp"
#include "model_file.hpp"

/// Returns the log with yesterday's ids; new items, kinds and categories get the ids after them. Items that today's log
/// lacks stay in the catalogue. Throws heed::OptionError when the log or yesterday's file lacks an input of the model.
inline Interactions continued(Interactions log, const SavedModel& yesterday) {
  namespace data = heed::data;
  check_kinds("--warm-start", yesterday, log);
  check_time_unit("--warm-start", yesterday, log);
  check_field("--warm-start", yesterday.model.options().num_features, yesterday.catalogue.features.names.size(),
              !log.catalogue.features.values.empty(), "categories of items", "--items with --feature-column");
  const Index today = log.num_items();
  log = data::renumber_items(log, data::joined(yesterday.catalogue.items, log.catalogue.items));
  if (!log.kinds.empty()) log = data::renumber_kinds(log, data::joined(yesterday.catalogue.kinds, log.catalogue.kinds));
  auto& features = log.catalogue.features;
  if (!features.values.empty()) {
    // Before the call: it moves `features`, and the order of arguments is the compiler's.
    data::Vocabulary names = data::joined(yesterday.catalogue.features.names, features.names);
    features = data::renumber_features(std::move(features), std::move(names));
    const auto known = yesterday.model.input.item_features();
    for (std::size_t i = 0; i < known.size(); ++i) {
      if (features.values[i] == data::Vocabulary::unknown) features.values[i] = known[i];
    }
  }
  std::printf("Continues from %td items: %td of them are not in this log, %td of its %td items are new\n",
              yesterday.catalogue.num_items(), log.num_items() - today,
              log.num_items() - yesterday.catalogue.num_items(), today);
  return log;
}

/// Returns the initial model: weights drawn from the seed or, if given, copied from yesterday's model. Throws
/// heed::OptionError when one cannot be copied, except tables of kinds and categories, which may be new.
inline Model first_model(const Configuration& configuration, const heed::data::Catalogue& catalogue, std::uint64_t seed,
                         std::optional<SavedModel>& yesterday) {
  Model model = model_of(configuration, catalogue);
  heed::nn::initialize(model, heed::Random(seed).fork("weights"));
  if (!yesterday) return model;
  const heed::data::Catalogue& old = yesterday->catalogue;
  const auto items = heed::data::renumbering(old.items, catalogue.items),
             kinds = heed::data::renumbering(old.kinds, catalogue.kinds),
             features = heed::data::renumbering(old.features.names, catalogue.features.names);
  const auto fresh = heed::recsys::warm_start(model, yesterday->model,
                                              {.items = items,
                                               .features = features,
                                               .kinds = kinds,
                                               .new_items = heed::recsys::NewItems::mean,
                                               .item_features = catalogue.features.values});
  const auto shape_in = [](Model& of, const std::string& path) {
    for (const auto& [name, parameter] : heed::nn::parameters(of)) {
      if (name == path) return heed::message(parameter->value().shape());
    }
    return std::string("none");
  };
  std::string differ;
  for (const std::string& path : fresh) {
    if (path == "kinds.weight" || path == "features.weight") continue;  // this log is the first to have them
    differ += "\n  " + path + " would be " + shape_in(model, path) + ", is " + shape_in(yesterday->model, path);
  }
  if (!differ.empty()) heed::fail<heed::OptionError>("--warm-start", "these weights cannot be kept:" + differ);
  return model;
}
