// SPDX-License-Identifier: Apache-2.0
// The sum of attention weights on given items, as in the copy mechanism of a pointer network.
#pragma once

#include "heed/autograd/tape.hpp"
#include "heed/kernels/pointer_mass.hpp"
#include "heed/ops/detail/dense.hpp"

namespace heed::inline HEED_ABI {

/// `weights` are those of an attention with one head: each sequence's [queries, keys], concatenated.
/// `key_items` [key tokens] is the item of each key; query i (over all sequences) requests the items
/// targets[target_segments.begin(i) .. end(i)]. Returns [targets]: the sum of query i's weights on the target's
/// occurrences. Source: See et al. (2017), equation 9, the copy term.
template <class Scalar>
Var<Scalar> pointer_mass(Var<Scalar> weights, const Segments& q_segments, const Segments& k_segments,
                         std::span<const Index> key_items, std::span<const Index> targets,
                         const Segments& target_segments) {
  Tape<Scalar>& tape = weights.tape();
  if (q_segments.count() != k_segments.count() || static_cast<Index>(key_items.size()) != k_segments.tokens() ||
      target_segments.count() != q_segments.tokens() ||
      static_cast<Index>(targets.size()) != target_segments.tokens()) {
    fail<ShapeError>("pointer_mass", q_segments.count(), " query sequences (", q_segments.tokens(), " queries), ",
                     k_segments.count(), " key sequences (", k_segments.tokens(), " keys), ", key_items.size(),
                     " key items, ", targets.size(), " targets of ", target_segments.count(), " queries (",
                     target_segments.tokens(), " targets) do not fit together");
  }
  const SegmentsView qs = tape.keep(q_segments), ks = tape.keep(k_segments), ts = tape.keep(target_segments);
  Index* offsets = tape.template allocate_array<Index>(qs.count + 1);
  offsets[0] = 0;
  for (Index b = 0; b < qs.count; ++b) offsets[b + 1] = offsets[b] + qs.length(b) * ks.length(b);
  if (weights.shape() != Shape{offsets[qs.count]}) {
    fail<ShapeError>("pointer_mass", "weights are ", weights.shape(), ", wanted [", offsets[qs.count], "]");
  }
  const Index* items = tape.keep(key_items);
  const Index* wanted = tape.keep(targets);
  const TensorView<const Scalar> w = detail::dense(tape, weights);
  const auto y = tape.allocate({ts.tokens()});
  tape.executor().run(qs.count, [&](Index b, int) {
    for (Index i = 0; i < qs.length(b); ++i) {
      const Index query = qs.begin(b) + i;
      kernels::pointer_mass_forward<Scalar>(ks.length(b), w.data() + offsets[b] + i * ks.length(b), items + ks.begin(b),
                                            ts.length(query), wanted + ts.begin(query), y.data() + ts.begin(query));
    }
  });
  return record(tape, {weights}, y, [=](const Gradients<Scalar>& g) {
    detail::add_dense(g.tape(), g(weights), [&](Scalar* out) {
      g.tape().executor().run(qs.count, [&](Index b, int) {
        for (Index i = 0; i < qs.length(b); ++i) {
          const Index query = qs.begin(b) + i;
          kernels::pointer_mass_backward<Scalar>(ks.length(b), items + ks.begin(b), ts.length(query),
                                                 wanted + ts.begin(query), g.output().data() + ts.begin(query),
                                                 out + offsets[b] + i * ks.length(b));
        }
      });
    });
  });
}

}  // namespace heed::inline HEED_ABI
