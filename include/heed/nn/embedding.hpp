// SPDX-License-Identifier: Apache-2.0
// An embedding table.
#pragma once

#include <span>

#include "heed/nn/init.hpp"
#include "heed/ops/gather.hpp"

namespace heed::inline HEED_ABI::nn {

struct EmbeddingOptions {
  Index num_embeddings = 0;
  Index embedding_dim = 0;
  Index padding_idx = -1;         ///< a row that is always zero; -1 for none
  double standard_deviation = 1;  ///< of the initial values

  void fields(auto&& visitor) {
    visitor("num_embeddings", num_embeddings, "embedding_dim", embedding_dim, "padding_idx", padding_idx,
            "standard_deviation", standard_deviation);
  }
};

/// weight [num_embeddings, embedding_dim]. As torch.nn.Embedding, except that the padding row is always zero: after any
/// initialisation and any update. It gets no gradient.
template <class Scalar = float>
class Embedding {
 public:
  using scalar_type = Scalar;

  explicit Embedding(const EmbeddingOptions& options)
      : weight({checked(options).num_embeddings, options.embedding_dim}, options.padding_idx),
        standard_deviation_(options.standard_deviation) {}

  /// ids [n] -> [n, embedding_dim]. Throws IndexError for an id out of range.
  Var<Scalar> operator()(Tape<Scalar>& tape, std::span<const Index> ids) const {
    const Index rows = weight.shape()[0], padding = weight.zero_row();
    Arena& scratch = tape.scratch();
    ArenaScope scope(scratch);
    Index* taken = scratch.array<Index>(static_cast<Index>(ids.size()));
    for (std::size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] < 0 || ids[i] >= rows) {
        fail<IndexError>("Embedding", "id ", ids[i], " at position ", i, " of a table of ", rows);
      }
      taken[i] = ids[i] == padding ? -1 : ids[i];  // zeros, and no gradient
    }
    return gather(tape.parameter(weight), std::span<const Index>(taken, ids.size()));
  }

  /// Initialises the weight normally with mean 0.
  void initialize(Random random) { init_normal(weight, random.fork("weight"), standard_deviation_); }

  void visit(auto&& visitor) { visitor("weight", weight); }

  Parameter<Scalar> weight;

 private:
  static const EmbeddingOptions& checked(const EmbeddingOptions& options) {
    if (options.num_embeddings <= 0 || options.embedding_dim <= 0 || options.padding_idx < -1 ||
        options.padding_idx >= options.num_embeddings) {
      fail<OptionError>("Embedding", "a table of [", options.num_embeddings, ", ", options.embedding_dim,
                        "] with padding_idx ", options.padding_idx);
    }
    return options;
  }

  double standard_deviation_;
};

}  // namespace heed::inline HEED_ABI::nn
