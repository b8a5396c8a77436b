// SPDX-License-Identifier: Apache-2.0
// The scratch arrays of tiled attention, and the operations on them that all kinds of attention share.
#pragma once

#include "heed/core/scratch_layout.hpp"
#include "heed/kernels/copy.hpp"
#include "heed/kernels/detail/tile_products.hpp"

namespace heed::inline HEED_ABI::kernels::detail {

/// Packs the rows of x into panels, one after the other.
template <class Scalar, class Isa>
void pack_panels(MatrixView<const Scalar> x, Scalar factor, Scalar* out) {
  for (Index j = 0; j < x.rows(); j += key_panel) {
    pack_panel<Scalar, Isa>(x.rows(j, std::min(j + key_panel, x.rows())), factor, out + j * x.cols());
  }
}

/// Arrays of the forward pass, which processes a strip of queries against all keys.
template <class Scalar, class Isa>
struct ForwardArrays {
  static constexpr Index strip = forward_strip<Isa>;  ///< queries per tile
  static constexpr Index block = 256;                 ///< keys per tile

  Index wide;          ///< columns of v and out: depth, rounded up to whole registers
  Scalar* s;           ///< [strip, block]: scores, then weights
  Scalar* out;         ///< [strip, wide]: sums of weighted values, not yet divided
  Scalar *k_t, *v;     ///< [panels, width, key_panel], scaled; [keys, wide]
  Scalar* added;       ///< [strip, block] if `masked`: what the mask adds to the scores
  Index size;          ///< elements of all arrays
  bool finite = true;  ///< true if all of v is finite

  /// `width` is that of q and k, `depth` that of v.
  ForwardArrays(ScratchLayout<Scalar> layout, Index keys, Index width, Index depth, bool masked)
      : wide(whole_registers<Scalar, Isa>(depth)),
        s(layout.array(strip * block)),
        out(layout.array(strip * wide)),
        k_t(layout.array(round_up(keys, key_panel) * width)),
        v(layout.array(keys * wide)),
        added(layout.array(masked ? strip * block : 0)),
        size(layout.size()) {}

  void pack(MatrixView<const Scalar> key_rows, MatrixView<const Scalar> value_rows, Scalar scale) {
    pack_panels<Scalar, Isa>(key_rows, scale, k_t);
    finite = pack_rows<Scalar, Isa>(value_rows, Scalar(1), v);
  }
};

/// Arrays of the backward pass, which processes a block of keys against all queries. Rows of ds are `Pitch` apart.
/// `added` and `mean` are empty unless `masked`, d_times unless there are `time_tables` elements of it.
template <class Scalar, class Isa, Index Pitch>
struct BackwardArrays {
  static constexpr Index strip = backward_strip<Isa>;  ///< queries per tile
  static constexpr Index block = 64;                   ///< keys per tile
  static constexpr Index pitch = Pitch, margin = Pitch - block;
  static_assert(margin * static_cast<Index>(sizeof(Scalar)) % 64 == 0, "the margin ends where ds begins");

  Index width, depth, wide, deep;      ///< of q and k; of v; the same rounded up to whole registers
  Scalar* p;                           ///< [strip, block]: scores, then weights
  Scalar* zeros;                       ///< [margin] directly before ds, as between its rows
  Scalar* ds;                          ///< [strip, pitch]: gradients with respect to the weights, then to the scores
  Scalar *k_t, *v_t;                   ///< a block's panels, [width or depth, key_panel] each; k scaled
  Scalar *k_rows, *dk_rows, *dv_rows;  ///< [block, wide or deep]; k scaled
  Scalar *q_rows, *dq_rows, *d_out;    ///< [queries, wide or deep]: of all queries
  Scalar* added;                       ///< [strip, block]: what the mask adds to the scores
  Scalar* mean;                        ///< [queries]: see AttentionBackward::means
  Scalar* d_times;                     ///< see PointwiseBackward
  MatrixView<Scalar> dq, dk, dv;       ///< the gradients to add to; may be empty
  Index size;                          ///< elements of all arrays
  bool finite_q = true, finite_k = true, finite_d = true;  ///< whether q, the block's keys and d_out are finite

  BackwardArrays(ScratchLayout<Scalar> layout, Index queries, Index width_of_q, Index depth_of_v, bool masked,
                 Index time_tables = 0)
      : width(width_of_q),
        depth(depth_of_v),
        wide(whole_registers<Scalar, Isa>(width)),
        deep(whole_registers<Scalar, Isa>(depth)),
        p(layout.array(strip * block)),
        zeros(layout.array(margin)),
        ds(layout.array(strip * pitch)),
        k_t(layout.array(block * width)),
        v_t(layout.array(block * depth)),
        k_rows(layout.array(block * wide)),
        dk_rows(layout.array(block * wide)),
        dv_rows(layout.array(block * deep)),
        q_rows(layout.array(round_up(queries, strip) * wide)),
        dq_rows(layout.array(round_up(queries, strip) * wide)),
        d_out(layout.array(round_up(queries, strip) * deep)),
        added(layout.array(masked ? strip * block : 0)),
        mean(layout.array(masked ? round_up(queries, strip) : 0)),
        d_times(layout.array(time_tables)),
        size(layout.size()) {}

  void take_queries(MatrixView<const Scalar> q) {
    finite_q = pack_rows<Scalar, Isa>(q, Scalar(1), q_rows);
    std::fill_n(dq_rows, q.rows() * wide, Scalar(0));
  }
  void take_keys(MatrixView<const Scalar> k, MatrixView<const Scalar> v, Scalar scale) {
    pack_panels<Scalar, Isa>(k, scale, k_t);
    pack_panels<Scalar, Isa>(v, Scalar(1), v_t);
    finite_k = pack_rows<Scalar, Isa>(k, scale, k_rows);
    std::fill_n(dk_rows, k.rows() * wide, Scalar(0));
    std::fill_n(dv_rows, k.rows() * deep, Scalar(0));
  }
  /// Computes p_ij = scale q_i . k_j and ds_ij = d_out_i . v_j, for queries from i on.
  template <class Seen>
  void scores(const Seen& seen, Index i) {
    tile_scores<Scalar, Isa>(seen, width, q_rows + i * wide, wide, k_t, p, block);
    tile_scores<Scalar, Isa>(seen, depth, d_out + i * deep, deep, v_t, ds, pitch);
  }
  /// dq_i += sum_j ds_ij k_j, dk_j += sum_i ds_ij q_i and dv_j += sum_i p_ij d_out_i, for those that are not empty.
  template <class Seen>
  void gradients(const Seen& seen, Index i) {
    const bool mixed = seen.mixed();
    const Scalar *q = q_rows + i * wide, *d = d_out + i * deep;
    if (dq) sum_over_keys<Scalar, Isa>(seen, mixed && !finite_k, ds, pitch, k_rows, wide, dq_rows + i * wide);
    if (dk) sum_over_queries<Scalar, Isa>(seen, mixed && !finite_q, ds, pitch, q, wide, dk_rows);
    if (dv) sum_over_queries<Scalar, Isa>(seen, mixed && !finite_d, p, block, d, deep, dv_rows);
  }
  /// Adds the sums of the block that begins at key j to dk and dv.
  void add_keys(Index j, Index keys, Scalar scale) {
    if (dk) add_rows<Scalar, Isa>({dk_rows, {keys, width}, wide}, dk.rows(j, j + keys), scale);
    if (dv) add_rows<Scalar, Isa>({dv_rows, {keys, depth}, deep}, dv.rows(j, j + keys));
  }
  void add_queries() {
    if (dq) add_rows<Scalar, Isa>({dq_rows, {dq.rows(), width}, wide}, dq);
  }
};

}  // namespace heed::inline HEED_ABI::kernels::detail
