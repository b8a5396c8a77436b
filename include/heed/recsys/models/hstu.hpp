// SPDX-License-Identifier: Apache-2.0
// Hierarchical sequential transduction units as a recommender (Zhai et al. 2024).
#pragma once

#include <cmath>
#include <optional>
#include <vector>

#include "heed/nn/hstu.hpp"
#include "heed/ops/scale.hpp"
#include "heed/recsys/next_item.hpp"
#include "heed/recsys/positions.hpp"

namespace heed::inline HEED_ABI::recsys {

struct HSTUEncoderOptions {
  Index embed_dim = 64;
  Index num_blocks = 2;
  Index num_heads = 1;
  Index max_length = 200;  ///< events of a history that the model sees
  bool positions = true;   ///< vectors of the places, beside each block's biases of the distances
  Index time_buckets = 0;  ///< each block's biases of the times between events (128 in the paper's code: kinds of
                           ///< time from 1 on, in half octaves); 0: the model sees no times
  double dropout = 0.2;
};

/// items (+ positions) -> causal HSTU blocks. Item vectors are scaled by sqrt(embed_dim), as their first values are
/// small. The paper's code compares the time of the *next* event with those before; here an event's own time is
/// compared, so that the model sees what every other one sees.
template <class Scalar>
class HSTUEncoder {
 public:
  using scalar_type = Scalar;
  using options_type = HSTUEncoderOptions;

  explicit HSTUEncoder(const HSTUEncoderOptions& options) : norm({.features = options.embed_dim}), options_(options) {
    if (options.num_blocks < 0 || !(options.dropout >= 0 && options.dropout < 1)) {
      fail<OptionError>("HSTU", "num_blocks ", options.num_blocks, ", dropout ", options.dropout);
    }
    if (options.positions) {
      positions.emplace(PositionsOptions{.max_length = options.max_length, .embed_dim = options.embed_dim});
    }
    for (Index i = 0; i < options.num_blocks; ++i) {
      blocks.emplace_back(nn::HSTULayerOptions{.embed_dim = options.embed_dim,
                                               .num_heads = options.num_heads,
                                               .max_length = options.max_length,
                                               .time_buckets = options.time_buckets,
                                               .dropout = options.dropout});
    }
  }

  Index width() const { return options_.embed_dim; }
  Index state_size() const { return options_.embed_dim; }

  /// Throws ShapeError for a history longer than `max_length`, or without times where the model sees them.
  Encoded<Scalar> operator()(Var<Scalar> x, const data::Batch& batch, bool = false) const {
    x = scale(x, std::sqrt(static_cast<double>(options_.embed_dim)));
    if (positions) x = (*positions)(x, batch.segments);
    x = dropout(x, options_.dropout);
    for (const auto& block : blocks) x = block(x, batch.segments, batch.times);
    x = norm(x);
    return {.states = x, .queries = at_queries(x, batch)};
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    if (positions) visitor("positions", *positions);
    visitor("blocks", blocks);
    visitor("norm", norm);
  }

  std::optional<Positions<Scalar>> positions;
  std::vector<nn::HSTULayer<Scalar>> blocks;
  nn::LayerNorm<Scalar> norm;

 private:
  HSTUEncoderOptions options_;
};

template <class Scalar>
using HSTU = NextItem<HSTUEncoder<Scalar>>;

}  // namespace heed::inline HEED_ABI::recsys
