// SPDX-License-Identifier: Apache-2.0
// A sequential recommender of LiGR blocks: the encoder of eSASRec (Tikhonovich et al. 2025); its loss is an option of
// NextItem.
#pragma once

#include "heed/nn/ligr.hpp"
#include "heed/recsys/block_encoder.hpp"
#include "heed/recsys/next_item.hpp"

namespace heed::inline HEED_ABI::recsys {

struct LiGREncoderOptions {
  static constexpr const char* name = "LiGR";
  Index embed_dim = 64;
  Index num_blocks = 2;
  Index num_heads = 1;
  Index feedforward_dim = 0;  ///< 0: four times embed_dim
  Index max_length = 200;     ///< events of a history that the model sees
  double dropout = 0.1;

  void fields(auto&& visitor) {
    visitor("embed_dim", embed_dim, "num_blocks", num_blocks, "num_heads", num_heads, "feedforward_dim",
            feedforward_dim, "max_length", max_length, "dropout", dropout);
  }
  nn::LiGRLayerOptions block() const {
    return {.embed_dim = embed_dim, .num_heads = num_heads, .feedforward_dim = feedforward_dim, .dropout = dropout};
  }
};

/// LiGR blocks.
template <class Scalar>
using LiGREncoder = BlockEncoder<LiGREncoderOptions, nn::LiGRLayer, Scalar>;

template <class Scalar = float>
using LiGR = NextItem<LiGREncoder<Scalar>>;

}  // namespace heed::inline HEED_ABI::recsys
