// SPDX-License-Identifier: Apache-2.0
// Any encoder of the library, chosen at run time: programs that read the model's name at run time compile once.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "heed/core/options.hpp"
#include "heed/recsys/models/attention_recommender.hpp"
#include "heed/recsys/models/gru4rec.hpp"
#include "heed/recsys/models/hstu.hpp"
#include "heed/recsys/models/ligr.hpp"
#include "heed/recsys/models/narm.hpp"
#include "heed/recsys/models/sasrec.hpp"

namespace heed::inline HEED_ABI::recsys {

/// Applies `F` to each encoder: the only list of encoders.
template <class Scalar, template <class...> class F>
using OfEncoders = F<AttentionEncoder<Scalar>, GruEncoder<Scalar>, HSTUEncoder<Scalar>, LiGREncoder<Scalar>,
                     LstmEncoder<Scalar>, NarmEncoder<Scalar>, SASRecEncoder<Scalar>>;

namespace detail {
template <class... Encoders>
using OptionsVariant = std::variant<typename Encoders::options_type...>;
}  // namespace detail

struct AnyEncoderOptions {
  OfEncoders<float, detail::OptionsVariant> encoder;  ///< the options do not depend on the scalar type
  Index embed_dim = 64, max_length = 200;             ///< of the chosen encoder; set by NextItem

  /// Returns the encoders with their default options, by name.
  static const std::map<std::string, AnyEncoderOptions>& choices() {
    static const std::map<std::string, AnyEncoderOptions> all{{"attention", {AttentionEncoderOptions{}}},
                                                              {"gru4rec", {GruEncoder<float>::options_type{}}},
                                                              {"hstu", {HSTUEncoderOptions{}}},
                                                              {"ligr", {LiGREncoderOptions{}}},
                                                              {"lstm4rec", {LstmEncoder<float>::options_type{}}},
                                                              {"narm", {NarmEncoderOptions{}}},
                                                              {"sasrec", {SASRecEncoderOptions{}}}};
    return all;
  }
  /// Returns the name of the chosen encoder.
  const std::string& choice() const {
    return std::ranges::find(choices(), encoder.index(), [](const auto& one) { return one.second.encoder.index(); })
        ->first;
  }
  /// Visits the options of the chosen encoder except those that NextItem sets.
  void fields(auto&& visitor) {
    const auto own = [&](const char* name, auto& field) {
      if (name != std::string_view("embed_dim") && name != std::string_view("max_length")) visitor(name, field);
    };
    std::visit([&](auto& one) { for_each_field(one, own); }, encoder);
  }
};

/// One of the encoders; its parameters have the same names as in the encoder alone.
template <class Scalar>
class AnyEncoder {
 public:
  using scalar_type = Scalar;
  using options_type = AnyEncoderOptions;
  using Variant = OfEncoders<Scalar, std::variant>;

  explicit AnyEncoder(const AnyEncoderOptions& options) : encoder(make(options)) {}

  Index width() const {
    return std::visit([](const auto& one) { return one.width(); }, encoder);
  }
  Index state_size() const {
    return std::visit([](const auto& one) { return one.state_size(); }, encoder);
  }
  Index summary_size() const {
    return std::visit([](const auto& one) { return one.summary_size(); }, encoder);
  }

  Encoded<Scalar> operator()(Var<Scalar> x, const data::Batch& batch, bool with_attention = false) const {
    return std::visit([&](const auto& one) { return one(x, batch, with_attention); }, encoder);
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    std::visit([&](auto& one) { one.visit(visitor); }, encoder);
  }

  Variant encoder;

 private:
  static Variant make(const AnyEncoderOptions& options) {
    return make(options, std::make_index_sequence<std::variant_size_v<Variant>>());
  }
  /// Constructs the alternative with the same index.
  template <std::size_t... places>
  static Variant make(const AnyEncoderOptions& options, std::index_sequence<places...>) {
    std::optional<Variant> out;
    ((options.encoder.index() == places ? void(out.emplace(make_at<places>(options))) : void()), ...);
    return std::move(*out);
  }
  template <std::size_t place>
  static Variant make_at(const AnyEncoderOptions& options) {
    auto one = std::get<place>(options.encoder);
    one.embed_dim = options.embed_dim;
    if constexpr (requires { one.max_length; }) one.max_length = options.max_length;
    return Variant(std::in_place_index<place>, one);
  }
};

template <class Scalar = float>
using AnyRecommender = NextItem<AnyEncoder<Scalar>>;

}  // namespace heed::inline HEED_ABI::recsys
