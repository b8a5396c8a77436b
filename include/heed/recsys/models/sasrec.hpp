// SPDX-License-Identifier: Apache-2.0
// Self-attentive sequential recommendation (Kang and McAuley 2018).
#pragma once

#include <cmath>
#include <vector>

#include "heed/nn/transformer.hpp"
#include "heed/ops/scale.hpp"
#include "heed/recsys/next_item.hpp"
#include "heed/recsys/positions.hpp"

namespace heed::inline HEED_ABI::recsys {

struct SASRecEncoderOptions {
  Index embed_dim = 64;
  Index num_blocks = 2;
  Index num_heads = 1;
  Index feedforward_dim = 64;
  Index max_length = 200;                           ///< events of a history that the model sees
  nn::NormPlacement norm = nn::NormPlacement::pre;  ///< `query` is the paper's
  double dropout = 0.1;
};

/// items + positions -> causal transformer blocks. Item vectors are scaled by sqrt(embed_dim), as their first values
/// are small.
template <class Scalar>
class SASRecEncoder {
 public:
  using scalar_type = Scalar;
  using options_type = SASRecEncoderOptions;

  explicit SASRecEncoder(const SASRecEncoderOptions& options)
      : positions({.max_length = options.max_length, .embed_dim = options.embed_dim}),
        norm({.features = options.embed_dim}),
        options_(options) {
    if (options.num_blocks < 0 || !(options.dropout >= 0 && options.dropout < 1)) {
      fail<OptionError>("SASRec", "num_blocks ", options.num_blocks, ", dropout ", options.dropout);
    }
    for (Index i = 0; i < options.num_blocks; ++i) {
      blocks.emplace_back(nn::TransformerEncoderLayerOptions{.embed_dim = options.embed_dim,
                                                             .num_heads = options.num_heads,
                                                             .feedforward_dim = options.feedforward_dim,
                                                             .norm = options.norm,
                                                             .dropout = options.dropout,
                                                             .attention_dropout = options.dropout,
                                                             .activation_dropout = options.dropout});
    }
  }

  Index width() const { return options_.embed_dim; }
  Index state_size() const { return options_.embed_dim; }

  /// The attention to be had is that of the last block, and of ends of histories alone. Throws ShapeError for a history
  /// longer than `max_length`.
  Encoded<Scalar> operator()(Var<Scalar> x, const data::Batch& batch, bool with_attention = false) const {
    x = positions(scale(x, std::sqrt(static_cast<double>(options_.embed_dim))), batch.segments);
    x = dropout(x, options_.dropout);
    Encoded<Scalar> out;
    for (const auto& block : blocks) {
      if (with_attention && &block == &blocks.back() && !every_position(batch)) {
        out.attention = block.attention_weights(x, batch.segments, batch.query_rows, batch.query_segments);
      }
      x = block(x, batch.segments, Mask::causal());
    }
    out.states = norm(x);
    out.queries = at_queries(out.states, batch);
    return out;
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("positions", positions);
    visitor("blocks", blocks);
    visitor("norm", norm);
  }

  Positions<Scalar> positions;
  std::vector<nn::TransformerEncoderLayer<Scalar>> blocks;
  nn::LayerNorm<Scalar> norm;

 private:
  SASRecEncoderOptions options_;
};

template <class Scalar>
using SASRec = NextItem<SASRecEncoder<Scalar>>;

}  // namespace heed::inline HEED_ABI::recsys
