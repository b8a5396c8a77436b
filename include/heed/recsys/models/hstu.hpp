// SPDX-License-Identifier: Apache-2.0
// Hierarchical sequential transduction units as a recommender (Zhai et al. 2024).
#pragma once

#include "heed/nn/hstu.hpp"
#include "heed/recsys/block_encoder.hpp"
#include "heed/recsys/next_item.hpp"

namespace heed::inline HEED_ABI::recsys {

struct HSTUEncoderOptions {
  static constexpr const char* name = "HSTU";
  Index embed_dim = 64;
  Index num_blocks = 2;
  Index num_heads = 1;
  Index max_length = 200;  ///< events of a history that the model sees
  bool positions = true;   ///< adds position vectors, besides each block's position biases
  Index time_buckets = 0;  ///< number of buckets for the times between events, two per octave from 1 second on,
                           ///< with a bias each (128 in the paper's code); 0: times are not used
  double dropout = 0.2;

  void fields(auto&& visitor) {
    visitor("embed_dim", embed_dim, "num_blocks", num_blocks, "num_heads", num_heads, "max_length", max_length,
            "positions", positions, "time_buckets", time_buckets, "dropout", dropout);
  }
  nn::HSTULayerOptions block() const {
    return {.embed_dim = embed_dim,
            .num_heads = num_heads,
            .max_length = max_length,
            .time_buckets = time_buckets,
            .dropout = dropout};
  }
};

/// HSTU blocks. The paper's code compares the time of the *next* event with earlier ones; here an event's own time is
/// compared, so that the model has the same input as the others.
template <class Scalar>
using HSTUEncoder = BlockEncoder<HSTUEncoderOptions, nn::HSTULayer, Scalar>;

template <class Scalar = float>
using HSTU = NextItem<HSTUEncoder<Scalar>>;

}  // namespace heed::inline HEED_ABI::recsys
