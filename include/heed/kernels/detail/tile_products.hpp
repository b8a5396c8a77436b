// SPDX-License-Identifier: Apache-2.0
// Products between the queries and the keys of a tile, limited to what the queries see, for attention of every kind.
#pragma once

#include "heed/kernels/detail/attention_tile.hpp"

namespace heed::inline HEED_ABI::kernels::detail {

/// out_rc = a_r . b_c for the queries' rows of a, of `width` columns, and the keys' rows of b, packed in panels.
template <class Scalar, class Isa, class Seen>
[[gnu::noinline]] inline void tile_scores(const Seen& seen, Index width, const Scalar* a, Index a_stride,
                                          const Scalar* panels, Scalar* out, Index stride) {
  if (width == 0) return void(std::fill_n(out, seen.rows * stride, Scalar(0)));
  for (Index n = 0; n < seen.runs; ++n) {
    for (Index p = seen.run[n].begin; p < seen.run[n].end; p += key_panel) {
      for (Index r = 0, rows = 0; r < seen.rows; r += rows) {
        rows = seen.alike_from(r, p + key_panel);
        const Index cols = std::min(key_panel, seen.widest_from(r) - p);
        if (cols <= 0) continue;
        multiply<Scalar, Isa>(rows, whole_registers<Scalar, Isa>(cols), width, {a + r * a_stride, a_stride, 1},
                              panels + p * width, key_panel, out + r * stride + p, stride, false);
      }
    }
  }
}

/// out_r += sum_c a_rc x_c; x and out have `width` columns, a multiple of the register width.
template <class Scalar, class Isa, class Seen>
[[gnu::noinline]] inline void sum_over_keys(const Seen& seen, bool select_pairs, const Scalar* a, Index a_stride,
                                            const Scalar* x, Index width, Scalar* out) {
  for (Index n = 0; n < seen.runs; ++n) {
    const auto [begin, end] = seen.run[n];
    for (Index r = 0, rows = 0; r < seen.rows; r += rows) {
      rows = seen.alike_from(r, end);
      const Index depth = std::min(end, seen.widest_from(r)) - begin;
      if (depth <= 0) continue;
      (select_pairs ? multiply_selected<Scalar, Isa>
                    : multiply<Scalar, Isa>)(rows, width, depth, {a + r * a_stride + begin, a_stride, 1},
                                             x + begin * width, width, out + r * width, width, true);
    }
  }
}

/// out_c += sum_r a_rc x_r.
template <class Scalar, class Isa, class Seen>
[[gnu::noinline]] inline void sum_over_queries(const Seen& seen, bool select_pairs, const Scalar* a, Index a_stride,
                                               const Scalar* x, Index width, Scalar* out) {
  for (Index n = 0; n < seen.runs; ++n) {
    const auto [begin, end] = seen.run[n];
    const Index step = seen.end[0] >= end ? end - begin : tile_rows<Isa>;  // a causal edge is processed in steps
    Index first = 0;
    for (Index c = begin; c < end; c += step) {
      while (seen.end[first] <= c) ++first;  // earlier queries see neither key c nor those after it
      (select_pairs ? multiply_selected<Scalar, Isa>
                    : multiply<Scalar, Isa>)(std::min(step, end - c), width, seen.rows - first,
                                             {a + first * a_stride + c, 1, a_stride}, x + first * width, width,
                                             out + c * width, width, true);
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::detail
