// SPDX-License-Identifier: Apache-2.0
// Multi-head attention against torch.nn.MultiheadAttention: every kind of mask.
#include "heed/nn/multi_head_attention.hpp"
#include "parity/compare.hpp"

namespace HEED_TEST_UNIT {

using heed::Index;
using heed::Mask;
using heed::Segments;

/// Returns PyTorch's weights [sequences, heads, longest queries, longest keys] without the padding.
std::vector<double> packed_weights(const parity::FixtureTensor& padded, const Segments& q, const Segments& k) {
  const Index heads = padded.shape[1], rows = padded.shape[2], cols = padded.shape[3];
  std::vector<double> out;
  for (Index b = 0; b < q.count(); ++b) {
    for (Index h = 0; h < heads; ++h) {
      for (Index i = 0; i < q.length(b); ++i) {
        const auto row = padded.values.begin() + ((b * heads + h) * rows + i) * cols;
        out.insert(out.end(), row, row + k.length(b));
      }
    }
  }
  return out;
}

template <class Scalar>
void compare(const std::string& name) {
  INFO(name);
  parity::Case<Scalar> c(name);
  heed::nn::MultiHeadAttention<Scalar> attention(
      {.embed_dim = c.integer("embed_dim"), .num_heads = c.integer("num_heads")});
  c.load(attention);
  const Segments q_segments = parity::segments(c.fixture.integers("in.q_offsets"));
  const Segments k_segments = parity::segments(c.fixture.integers("in.k_offsets"));
  Mask mask;
  if (c.fixture.option("mask") == "causal") mask = Mask::causal();
  if (c.fixture.contains("in.hidden")) {
    const auto values = c.fixture.integers("in.hidden");
    mask = mask & Mask::hidden(
                      heed::TensorView<const Index>(values.data(), {q_segments.max_length(), k_segments.max_length()}));
  }
  if (c.fixture.contains("in.additive")) {
    const auto values = parity::tensor_of<double>(c.fixture.tensor("in.additive"));
    mask = mask & Mask::additive(values.view());
  }
  const auto q = c.input("q"), k = c.input("k"), v = c.input("v");
  const auto result = attention(q, q_segments, k, v, k_segments, {.mask = mask, .weights = true});
  c.output("output", result.context);
  c.compare("out.weights", parity::elements(result.weights.value()),
            packed_weights(c.fixture.tensor("out.weights"), q_segments, k_segments));
  c.backward();
}

TEMPLATE_TEST_CASE("multi-head attention agrees with PyTorch", "", float, double) {
  for (const char* name : {"none", "key_padding", "ragged_queries", "hidden", "fully_masked", "additive",
                           "additive_key_padding", "causal", "causal_lower_right", "causal_padding", "causal_ragged"}) {
    compare<TestType>(std::string("attention_") + name);
  }
}

}  // namespace HEED_TEST_UNIT
