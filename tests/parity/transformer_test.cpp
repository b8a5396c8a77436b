// SPDX-License-Identifier: Apache-2.0
// The transformer block against torch.nn.TransformerEncoderLayer, which uses padding and masks for ragged sequences.
#include "heed/nn/transformer.hpp"

#include "parity/compare.hpp"

namespace HEED_TEST_UNIT {

TEMPLATE_TEST_CASE("TransformerEncoderLayer agrees with PyTorch", "", float, double) {
  for (const char* name : {"post_relu", "post_gelu", "pre_relu", "pre_gelu"}) {
    INFO(name);
    parity::Case<TestType> c(std::string("transformer_") + name);
    heed::nn::TransformerEncoderLayer<TestType> layer(
        {.embed_dim = c.integer("d_model"),
         .num_heads = c.integer("nhead"),
         .feedforward_dim = c.integer("dim_feedforward"),
         .activation = c.fixture.option("activation") == "gelu" ? heed::Activation::gelu : heed::Activation::relu,
         .norm = c.flag("norm_first") ? heed::nn::NormPlacement::pre : heed::nn::NormPlacement::post});
    c.load(layer);
    const heed::Segments segments = parity::segments(c.fixture.integers("in.offsets"));
    c.output("y", layer(c.input("x"), segments, {.mask = heed::Mask::causal()}));
    c.backward();
  }
}

}  // namespace HEED_TEST_UNIT
