// SPDX-License-Identifier: Apache-2.0
// The configuration of a training run: model, task and training options. Presets and published profiles by name.
#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "heed/core/error.hpp"
#include "heed/core/options.hpp"
#include "heed/data/interactions.hpp"
#include "heed/recsys/models/any.hpp"
#include "heed/recsys/models/din.hpp"
#include "heed/recsys/task.hpp"
#include "heed/recsys/trainer.hpp"

namespace heed::inline HEED_ABI::recsys {

/// The configuration of a next-item model.
struct Configuration {
  NextItemOptions recommender{};
  AnyEncoderOptions encoder{};
  TaskOptions task{};
  TrainOptions training{};

  void fields(auto&& visitor) {
    visitor("recommender", recommender, "encoder", encoder, "task", task, "training", training);
  }
};

/// The configuration of DIN, which predicts whether a user takes an item.
struct ClickConfiguration {
  DINOptions recommender{};
  TaskOptions task{.max_length = 50};
  TrainOptions training{.batch_size = 32, .max_epochs = 40, .patience = 5};

  void fields(auto&& visitor) { visitor("recommender", recommender, "task", task, "training", training); }
};

/// Maps the fields of a configuration that are not set by the user to what they are derived from.
inline const std::map<std::string, std::string>& derived_fields() {
  static const std::map<std::string, std::string> all{{"recommender.max_length", "task.max_length"},
                                                      {"task.day_baskets", "the log"},
                                                      {"recommender.num_items", "the log"},
                                                      {"recommender.num_kinds", "the log"},
                                                      {"recommender.num_features", "the log"}};
  return all;
}

namespace detail {

/// The largest value of the option `name`: far above what is of use, and so small that no size computed from several
/// options overflows.
inline Index largest(std::string_view name) {
  constexpr std::string_view counts[] = {"num_blocks", "num_layers", "num_heads"};
  constexpr std::string_view widths[] = {"embed_dim", "hidden_size", "feedforward_dim", "attention_features",
                                         "hidden_features"};
  constexpr std::string_view lengths[] = {"max_length", "max_age", "time_buckets", "negatives", "k"};
  const auto among = [&](const auto& names) { return std::ranges::find(names, name) != std::end(names); };
  return among(counts) ? 1024 : among(widths) ? 65'536 : among(lengths) ? 1'000'000 : 1'000'000'000;
}

inline void check_size(const std::string& path, std::string_view name, Index value) {
  const Index least = name == "k" ? 1 : 0, most = largest(name);
  if (value >= least && value <= most) return;
  fail<OptionError>("options", path, " is ", value, ", wanted ", least, " to ", most);
}

template <OptionStruct T>
void check_fields(const T& options, const std::string& prefix) {
  for_each_field(options, [&](const char* name, const auto& field) {
    using Field = std::remove_cvref_t<decltype(field)>;
    const std::string path = prefix + name;
    if constexpr (OptionStruct<Field>) {
      check_fields(field, path + ".");
    } else if constexpr (std::is_same_v<Field, Index>) {
      check_size(path, name, field);
    } else if constexpr (std::is_same_v<Field, std::vector<Index>>) {
      for (const Index value : field) check_size(path, name, value);
    } else if constexpr (std::is_floating_point_v<Field>) {
      if (!std::isfinite(field)) fail<OptionError>("options", path, " is ", field, ", wanted a finite number");
    }
  });
}

}  // namespace detail

/// Throws OptionError, which names the option, when a size of a configuration is negative or far above what is of use,
/// or a number is not finite. Call it before work begins: memory for such a size may be refused only hours later.
/// Whether the options fit each other is checked by the constructors.
template <class C>
void check_bounds(const C& configuration) {
  detail::check_fields(configuration, "");
}

/// Returns the configuration of the named encoder: sizes as published if available, others chosen on validation data,
/// for baskets that of the bundled purchases, for single events that of MovieLens-1M. Throws OptionError on an unknown
/// name (see AnyEncoderOptions::choices).
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
    // Small batches give many steps per epoch (189 on MovieLens-1M); the learning rate increases for about one epoch,
    // then decays to 0.
    out.training = {.batch_size = 32,
                    .max_epochs = 30,
                    .patience = 30,
                    .learning_rate = 3e-3,
                    .warm_up = 188,
                    .decay = optim::Decay::cosine};
    // The recurrent encoders do not scale the item vectors; block encoders do.
    if (encoder == "gru4rec" || encoder == "lstm4rec" || encoder == "narm") out.recommender.item_deviation = 0.1;
  }
  return out;
}

/// Returns the profiles of SASRec by name.
inline const std::map<std::string, SASRecProfile>& sasrec_profiles() {
  static const std::map<std::string, SASRecProfile> all{{"paper", SASRecProfile::paper()},
                                                        {"plus", SASRecProfile::plus()},
                                                        {"post_norm", SASRecProfile::post_norm()},
                                                        {"pre_norm", SASRecProfile::pre_norm()}};
  return all;
}

/// Returns SASRec as published under this name. Throws OptionError on an unknown name.
inline Configuration sasrec_preset(const std::string& profile, bool next_basket) {
  const auto known = sasrec_profiles().find(profile);
  if (known == sasrec_profiles().end()) fail<OptionError>("sasrec_preset", "there is no profile ", profile);
  Configuration out{.recommender = known->second.model, .encoder = {known->second.encoder}};
  out.task = {.next_basket = next_basket, .max_length = out.recommender.max_length};
  out.training = {.batch_size = 128, .max_epochs = profile == "paper" ? 200 : 100, .patience = 10};
  return out;
}

namespace detail {
/// Returns `options` with the numbers of items, kinds of event and feature values of a catalogue.
template <class Options>
Options sized(Options options, const data::Catalogue& catalogue) {
  options.num_items = catalogue.num_items();
  options.num_kinds = catalogue.kinds.size();
  options.num_features = catalogue.features.names.size();
  return options;
}
}  // namespace detail

/// Returns an uninitialised model of a catalogue's items and, if present, kinds of event and item features. The
/// catalogue of a task (Task::catalogue) has the counts required by losses with popularity-sampled negatives.
template <class Scalar = float>
AnyRecommender<Scalar> model_of(const Configuration& configuration, const data::Catalogue& catalogue) {
  return AnyRecommender<Scalar>(detail::sized(configuration.recommender, catalogue), configuration.encoder, catalogue);
}
template <class Scalar = float>
DIN<Scalar> model_of(const ClickConfiguration& configuration, const data::Catalogue& catalogue) {
  return DIN<Scalar>(detail::sized(configuration.recommender, catalogue), catalogue);
}

}  // namespace heed::inline HEED_ABI::recsys
