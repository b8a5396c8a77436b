// SPDX-License-Identifier: Apache-2.0
// The model of the article's listing, as intended: LSTM encoder -> LSTM decoder -> masked multi-head attention -> sum
// over time -> linear.
#pragma once

#include "heed/nn/linear.hpp"
#include "heed/nn/lstm.hpp"
#include "heed/nn/multi_head_attention.hpp"
#include "heed/nn/padded.hpp"
#include "heed/ops/sum.hpp"

namespace heed::inline HEED_ABI::recsys {

struct Seq2SeqOptions {
  Index input_size = 0;
  Index hidden_size = 64;
  Index num_heads = 8;

  void fields(auto&& visitor) { visitor("input_size", input_size, "hidden_size", hidden_size, "num_heads", num_heads); }
};

/// Maps a sequence of feature vectors to one number: a rating, or the logit of a purchase. Both LSTMs start from zeros.
template <class Scalar = float>
class Seq2Seq {
 public:
  using scalar_type = Scalar;

  explicit Seq2Seq(const Seq2SeqOptions& options)
      : encoder({.input_size = options.input_size, .hidden_size = options.hidden_size}),
        decoder({.input_size = options.hidden_size, .hidden_size = options.hidden_size}),
        attention({.embed_dim = options.hidden_size, .num_heads = options.num_heads}),
        fc({.in_features = options.hidden_size, .out_features = 1}) {}

  /// x [tokens, input_size] -> [sequences, 1]. The output for an empty sequence is fc's bias.
  Var<Scalar> operator()(Var<Scalar> x, const Segments& segments, const Mask& mask = {}) const {
    const Var<Scalar> h = decoder(encoder(x, segments).output, segments).output;
    return fc(sum(attention(h, segments, {.mask = mask}).context, segments));
  }

  /// The same for a padded x [batch, time, input_size] with lengths segments.length(b); the results are bitwise equal.
  Var<Scalar> padded(Var<Scalar> x, const Segments& segments, const Mask& mask = {}) const {
    return (*this)(nn::pack_padded(x, segments), segments, mask);
  }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("encoder", encoder);
    visitor("decoder", decoder);
    visitor("attention", attention);
    visitor("fc", fc);
  }

  nn::LSTM<Scalar> encoder, decoder;
  nn::MultiHeadAttention<Scalar> attention;
  nn::Linear<Scalar> fc;
};
Seq2Seq(const Seq2SeqOptions&) -> Seq2Seq<float>;

}  // namespace heed::inline HEED_ABI::recsys
