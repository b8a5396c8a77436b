// SPDX-License-Identifier: Apache-2.0
// A sequential recommender of LiGR blocks: eSASRec, without its loss, which is the recommender's (Tikhonovich et al.
// 2025).
#pragma once

#include <cmath>
#include <vector>

#include "heed/nn/ligr.hpp"
#include "heed/ops/scale.hpp"
#include "heed/recsys/next_item.hpp"
#include "heed/recsys/positions.hpp"

namespace heed::inline HEED_ABI::recsys {

struct LiGREncoderOptions {
  Index embed_dim = 64;
  Index num_blocks = 2;
  Index num_heads = 1;
  Index feedforward_dim = 0;  ///< 0: four times embed_dim
  Index max_length = 200;     ///< events of a history that the model sees
  double dropout = 0.1;
};

/// items + positions -> causal LiGR blocks. Item vectors are scaled by sqrt(embed_dim), as their first values are
/// small.
template <class Scalar>
class LiGREncoder {
 public:
  using scalar_type = Scalar;
  using options_type = LiGREncoderOptions;

  explicit LiGREncoder(const LiGREncoderOptions& options)
      : positions({.max_length = options.max_length, .embed_dim = options.embed_dim}),
        norm({.features = options.embed_dim}),
        options_(options) {
    if (options.num_blocks < 0 || !(options.dropout >= 0 && options.dropout < 1)) {
      fail<OptionError>("LiGR", "num_blocks ", options.num_blocks, ", dropout ", options.dropout);
    }
    for (Index i = 0; i < options.num_blocks; ++i) {
      blocks.emplace_back(nn::LiGRLayerOptions{.embed_dim = options.embed_dim,
                                               .num_heads = options.num_heads,
                                               .feedforward_dim = options.feedforward_dim,
                                               .dropout = options.dropout});
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
  std::vector<nn::LiGRLayer<Scalar>> blocks;
  nn::LayerNorm<Scalar> norm;

 private:
  LiGREncoderOptions options_;
};

template <class Scalar>
using LiGR = NextItem<LiGREncoder<Scalar>>;

}  // namespace heed::inline HEED_ABI::recsys
