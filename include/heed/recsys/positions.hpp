// SPDX-License-Identifier: Apache-2.0
// Learned vectors of positions in a history.
#pragma once

#include <span>

#include "heed/core/segments.hpp"
#include "heed/nn/embedding.hpp"
#include "heed/ops/add.hpp"

namespace heed::inline HEED_ABI::recsys {

struct PositionsOptions {
  Index max_length = 0;
  Index embed_dim = 0;
  double standard_deviation = 0.02;  ///< of the initial values

  void fields(auto&& visitor) {
    visitor("max_length", max_length, "embed_dim", embed_dim, "standard_deviation", standard_deviation);
  }
};

/// weight [max_length, embed_dim]: one vector per position, counted from the first event that the model sees.
template <class Scalar>
class Positions {
 public:
  using scalar_type = Scalar;

  explicit Positions(const PositionsOptions& options)
      : table({.num_embeddings = options.max_length,
               .embedding_dim = options.embed_dim,
               .standard_deviation = options.standard_deviation}) {}

  /// x [tokens, embed_dim] -> x + position vectors. Throws ShapeError for a sequence longer than `max_length`.
  Var<Scalar> operator()(Var<Scalar> x, const Segments& segments) const {
    const Index most = table.weight.shape()[0];
    if (segments.max_length() > most) {
      fail<ShapeError>("Positions", "a history of ", segments.max_length(), " events, at most ", most, " are seen");
    }
    Tape<Scalar>& tape = x.tape();
    ArenaScope scope(tape.scratch());
    auto* place = tape.scratch().template array<Index>(segments.tokens());
    for (Index b = 0; b < segments.count(); ++b) {
      for (Index i = segments.begin(b); i < segments.end(b); ++i) place[i] = i - segments.begin(b);
    }
    return add(x, table(tape, std::span<const Index>(place, static_cast<std::size_t>(segments.tokens()))));
  }

  void initialize(Random random) { table.initialize(random); }

  template <class Visitor>
  void visit(Visitor&& visitor) {
    table.visit(visitor);
  }

  nn::Embedding<Scalar> table;
};

}  // namespace heed::inline HEED_ABI::recsys
