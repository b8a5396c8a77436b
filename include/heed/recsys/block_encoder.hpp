// SPDX-License-Identifier: Apache-2.0
// An encoder that is a stack of causal blocks, such as transformer blocks.
#pragma once

#include <cmath>
#include <optional>
#include <vector>

#include "heed/core/mask.hpp"
#include "heed/nn/layer_norm.hpp"
#include "heed/ops/dropout.hpp"
#include "heed/ops/scale.hpp"
#include "heed/recsys/encoder.hpp"
#include "heed/recsys/positions.hpp"

namespace heed::inline HEED_ABI::recsys {

/// items (+ positions) -> causal blocks -> norm. Item vectors are scaled by sqrt(embed_dim), as their initial values
/// are small. `Options` has `name` (of the model, for errors), `embed_dim`, `num_blocks`, `max_length`, `dropout`,
/// `block()`, which returns the options of a `Block`, and, if positions are optional, `positions`. A block's second
/// input is the times of the events or a mask.
template <class Options, template <class> class Block, class Scalar>
class BlockEncoder {
 public:
  using scalar_type = Scalar;
  using options_type = Options;

  explicit BlockEncoder(const Options& options) : norm({.features = options.embed_dim}), options_(options) {
    if (options.num_blocks < 0 || !(options.dropout >= 0 && options.dropout < 1)) {
      fail<OptionError>(Options::name, "num_blocks ", options.num_blocks, ", dropout ", options.dropout);
    }
    bool with_positions = true;
    if constexpr (requires { options.positions; }) with_positions = options.positions;
    if (with_positions) {
      positions.emplace(PositionsOptions{.max_length = options.max_length, .embed_dim = options.embed_dim});
    }
    for (Index i = 0; i < options.num_blocks; ++i) blocks.emplace_back(options.block());
  }

  Index width() const { return options_.embed_dim; }
  Index state_size() const { return options_.embed_dim; }
  Index summary_size() const { return options_.embed_dim; }

  /// The attention returned is that of the last block, and only for queries at the ends of histories. Throws ShapeError
  /// for a history longer than `max_length`, or without times if the blocks use them.
  Encoded<Scalar> operator()(Var<Scalar> x, const data::Batch& batch, bool with_attention = false) const {
    x = scale(x, std::sqrt(static_cast<double>(options_.embed_dim)));
    if (positions) x = (*positions)(x, batch.segments);
    x = dropout(x, options_.dropout);
    Encoded<Scalar> out;
    for (const Block<Scalar>& block : blocks) {
      const bool told = with_attention && &block == &blocks.back() && !every_position(batch);
      if constexpr (requires { block(x, batch.segments, batch.times); }) {
        if (told) {
          out.attention =
              block.attention_weights(x, batch.segments, batch.times, batch.query_rows, batch.query_segments);
        }
        x = block(x, batch.segments, batch.times);
      } else {
        if (told) out.attention = block.attention_weights(x, batch.segments, batch.query_rows, batch.query_segments);
        x = block(x, batch.segments, {.mask = Mask::causal()});
      }
    }
    out.states = norm(x);
    out.summary = out.queries = at_queries(out.states, batch);
    return out;
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    if (positions) visitor("positions", *positions);
    visitor("blocks", blocks);
    visitor("norm", norm);
  }

  std::optional<Positions<Scalar>> positions;
  std::vector<Block<Scalar>> blocks;
  nn::LayerNorm<Scalar> norm;

 private:
  Options options_;
};

}  // namespace heed::inline HEED_ABI::recsys
