// SPDX-License-Identifier: Apache-2.0
// Self-attentive sequential recommendation (Kang and McAuley 2018).
#pragma once

#include "heed/nn/transformer.hpp"
#include "heed/recsys/block_encoder.hpp"
#include "heed/recsys/next_item.hpp"

namespace heed::inline HEED_ABI::recsys {

struct SASRecEncoderOptions {
  static constexpr const char* name = "SASRec";
  Index embed_dim = 64;
  Index num_blocks = 2;
  Index num_heads = 1;
  Index feedforward_dim = 64;
  Index max_length = 200;                           ///< events of a history that the model sees
  nn::NormPlacement norm = nn::NormPlacement::pre;  ///< `query` is the paper's
  double dropout = 0.1;

  void fields(auto&& visitor) {
    visitor("embed_dim", embed_dim, "num_blocks", num_blocks, "num_heads", num_heads, "feedforward_dim",
            feedforward_dim, "max_length", max_length, "norm", norm, "dropout", dropout);
  }
  nn::TransformerEncoderLayerOptions block() const {
    return {.embed_dim = embed_dim,
            .num_heads = num_heads,
            .feedforward_dim = feedforward_dim,
            .norm = norm,
            .dropout = dropout,
            .attention_dropout = dropout,
            .activation_dropout = dropout};
  }
};

/// Transformer blocks.
template <class Scalar>
using SASRecEncoder = BlockEncoder<SASRecEncoderOptions, nn::TransformerEncoderLayer, Scalar>;

template <class Scalar = float>
using SASRec = NextItem<SASRecEncoder<Scalar>>;

/// The models published as SASRec, without the size of the catalogue (`num_items`). All are trained with Adam at 1e-3
/// and 128 users per step.
struct SASRecProfile {
  NextItemOptions model;
  SASRecEncoderOptions encoder;

  /// Kang and McAuley (2018) on MovieLens-1M: binary cross-entropy against one item that the user has not taken. On
  /// sparse data they used 50 events and dropout 0.5. Their norm adds 1e-8 to the variance, this one 1e-5.
  static SASRecProfile paper() {
    return {.model = {.embed_dim = 50,
                      .max_length = 200,
                      .loss = {.kind = NextItemLoss::Kind::bce, .negatives = 1, .exclude_history = true}},
            .encoder = {.embed_dim = 50,
                        .num_blocks = 2,
                        .num_heads = 1,
                        .feedforward_dim = 50,
                        .max_length = 200,
                        .norm = nn::NormPlacement::query,
                        .dropout = 0.2}};
  }
  /// SASRec+ (Klenitskiy and Vasilev 2023): the same blocks with cross-entropy over the whole catalogue, which makes
  /// SASRec better than models published as improvements on it.
  static SASRecProfile plus() {
    return {.model = {.embed_dim = 64, .max_length = 200, .loss = {.kind = NextItemLoss::Kind::softmax}},
            .encoder = {.embed_dim = 64,
                        .num_blocks = 2,
                        .num_heads = 1,
                        .feedforward_dim = 64,
                        .max_length = 200,
                        .norm = nn::NormPlacement::query,
                        .dropout = 0.1}};
  }
  /// SASRec+ with a norm before each part of a block (the options' default).
  static SASRecProfile pre_norm() { return plus().with(nn::NormPlacement::pre); }
  /// SASRec+ with a norm after each part of a block.
  static SASRecProfile post_norm() { return plus().with(nn::NormPlacement::post); }

 private:
  SASRecProfile with(nn::NormPlacement norm) const {
    SASRecProfile out = *this;
    out.encoder.norm = norm;
    return out;
  }
};

}  // namespace heed::inline HEED_ABI::recsys
