// SPDX-License-Identifier: Apache-2.0
// What a training run is made of, under one name: model, task and training. Presets and published profiles by name.
#pragma once

#include <map>
#include <string>

#include "heed/core/error.hpp"
#include "heed/data/interactions.hpp"
#include "heed/recsys/models/any.hpp"
#include "heed/recsys/models/din.hpp"
#include "heed/recsys/task.hpp"
#include "heed/recsys/trainer.hpp"

namespace heed::inline HEED_ABI::recsys {

/// Of a model of the next item.
struct Configuration {
  NextItemOptions recommender{};
  AnyEncoderOptions encoder{};
  TaskOptions task{};
  TrainOptions training{};

  void fields(auto&& visitor) {
    visitor("recommender", recommender, "encoder", encoder, "task", task, "training", training);
  }
};

/// Of DIN, which predicts whether a user takes an item.
struct ClickConfiguration {
  DINOptions recommender{};
  TaskOptions task{.max_length = 50};
  TrainOptions training{.batch_size = 32, .max_epochs = 40, .patience = 5};

  void fields(auto&& visitor) { visitor("recommender", recommender, "task", task, "training", training); }
};

/// Fields of a configuration whose value follows from something else, and from what: they are not for a user to set.
inline const std::map<std::string, std::string>& derived_fields() {
  static const std::map<std::string, std::string> all{{"recommender.max_length", "task.max_length"},
                                                      {"recommender.num_items", "the log"},
                                                      {"recommender.num_kinds", "the log"},
                                                      {"recommender.num_features", "the log"}};
  return all;
}

/// The named encoder with sizes as published where they are, the rest as chosen on validation: of the bundled purchases
/// for baskets, of MovieLens-1M for single events. Throws OptionError on an unknown name (see
/// AnyEncoderOptions::choices).
inline Configuration preset(const std::string& encoder, bool next_basket) {
  const auto known = AnyEncoderOptions::choices().find(encoder);
  if (known == AnyEncoderOptions::choices().end()) fail<OptionError>("preset", "there is no encoder ", encoder);
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
    // Small batches, so that an epoch is many steps (189 of MovieLens-1M), and a rate that rises for about one epoch,
    // then falls to nothing.
    out.training = {.batch_size = 32,
                    .max_epochs = 30,
                    .patience = 30,
                    .learning_rate = 3e-3,
                    .warm_up = 188,
                    .decay = optim::Decay::cosine};
    // Recurrent layers see item vectors as they are, the others scale them.
    if (encoder == "gru4rec" || encoder == "lstm4rec" || encoder == "narm") out.recommender.item_deviation = 0.1;
  }
  return out;
}

/// The profiles of SASRec by name.
inline const std::map<std::string, SASRecProfile>& sasrec_profiles() {
  static const std::map<std::string, SASRecProfile> all{{"paper", SASRecProfile::paper()},
                                                        {"plus", SASRecProfile::plus()},
                                                        {"post_norm", SASRecProfile::post_norm()},
                                                        {"pre_norm", SASRecProfile::pre_norm()}};
  return all;
}

/// SASRec as published under this name. Throws OptionError on an unknown name.
inline Configuration sasrec_preset(const std::string& profile, bool next_basket) {
  const auto known = sasrec_profiles().find(profile);
  if (known == sasrec_profiles().end()) fail<OptionError>("sasrec_preset", "there is no profile ", profile);
  Configuration out{.recommender = known->second.model, .encoder = {known->second.encoder}};
  out.task = {.next_basket = next_basket, .max_length = out.recommender.max_length};
  out.training = {.batch_size = 128, .max_epochs = profile == "paper" ? 200 : 100, .patience = 10};
  return out;
}

namespace detail {
/// `options` for the items and, where there are some, the kinds of event and item features of a catalogue.
template <class Options>
Options sized(Options options, const data::Catalogue& catalogue) {
  options.num_items = catalogue.num_items();
  options.num_kinds = catalogue.kinds.size();
  options.num_features = catalogue.features.names.size();
  return options;
}
}  // namespace detail

/// A model of a catalogue's items and, where it has them, kinds of event and item features; not initialised. The
/// catalogue of a task (Task::catalogue) has the counts that losses with popular negatives ask for.
template <class Scalar = float>
AnyRecommender<Scalar> model_of(const Configuration& configuration, const data::Catalogue& catalogue) {
  return AnyRecommender<Scalar>(detail::sized(configuration.recommender, catalogue), configuration.encoder, catalogue);
}
template <class Scalar = float>
DIN<Scalar> model_of(const ClickConfiguration& configuration, const data::Catalogue& catalogue) {
  return DIN<Scalar>(detail::sized(configuration.recommender, catalogue), catalogue);
}

}  // namespace heed::inline HEED_ABI::recsys
