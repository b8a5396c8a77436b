// SPDX-License-Identifier: Apache-2.0
// Shared by attention's forward and backward pass: packing of operands for the products of tiles, the products, and
// which keys of a tile its queries may see.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "heed/core/round.hpp"
#include "heed/kernels/detail/attention_unit.hpp"
#include "heed/kernels/gemm.hpp"
#include "heed/simd/transpose.hpp"

namespace heed::inline HEED_ABI::kernels::detail {

/// Keys per panel of a transposed operand, for every instruction set: a multiple of two registers.
inline constexpr Index key_panel = 32;
/// Rows of a product that are multiplied together under a causal mask, whose edge is a staircase.
template <class Isa>
inline constexpr Index tile_rows = TileSize<Isa>::rows;
/// Queries per tile of the forward and the backward pass: a multiple of tile_rows and of the register width.
template <class Isa>
inline constexpr Index forward_strip = tile_rows<Isa> * (Isa::bytes == 64 ? 2 : 4);
template <class Isa>
inline constexpr Index backward_strip = 2 * forward_strip<Isa>;

template <class Scalar, class Isa>
constexpr Index whole_registers(Index n) {
  return round_up(n, simd::Pack<Scalar, Isa>::width);
}

/// out [rows, whole registers] = factor x, padded with 0. Returns true if all of it is finite.
template <class Scalar, class Isa>
[[gnu::noinline]] inline bool pack_rows(MatrixView<const Scalar> x, Scalar factor, Scalar* out) {
  using P = simd::Pack<Scalar, Isa>;
  const P zero(Scalar(0));
  P check = zero;
  const Index cols = x.cols(), wide = whole_registers<Scalar, Isa>(cols);
  for (Index r = 0; r < x.rows(); ++r) {
    const Scalar* row = x.row(r);
    simd::for_each_pack<P>(cols, [&](Index c, Index n) {
      const P y = simd::load<P>(row + c, n) * P(factor);
      check = fma(y, zero, check);
      y.store(out + r * wide + c);
    });
  }
  return reduce_sum(check) == Scalar(0);
}

/// out [cols, key_panel] = factor x^T for x of at most key_panel rows; columns past them are 0 up to a whole register.
template <class Scalar, class Isa>
[[gnu::noinline]] inline void pack_panel(MatrixView<const Scalar> x, Scalar factor, Scalar* out) {
  using P = simd::Pack<Scalar, Isa>;
  const Index rows = x.rows(), cols = x.cols(), stride = x.row_stride();
  for (Index r = 0; r < rows; r += P::width) {
    for (Index c = 0; c < cols; c += P::width) {
      const Index high = std::min<Index>(P::width, rows - r), n = std::min<Index>(P::width, cols - c);
      const Scalar* from = x.data() + r * stride + c;
      Scalar* to = out + c * key_panel + r;
      P square[P::width];
      if (high == P::width && n == P::width) {
#pragma GCC unroll 16
        for (Index i = 0; i < P::width; ++i, from += stride) square[i] = P::load(from) * P(factor);
        simd::transpose(square);
#pragma GCC unroll 16
        for (Index i = 0; i < P::width; ++i) square[i].store(to + i * key_panel);
      } else {
        for (Index i = 0; i < high; ++i) square[i] = simd::load<P>(from + i * stride, n) * P(factor);
        for (Index i = high; i < P::width; ++i) square[i] = P(Scalar(0));
        simd::transpose(square);
        for (Index i = 0; i < n; ++i) square[i].store(to + i * key_panel);
      }
    }
  }
}

template <class Scalar, class Isa, int Rows, int Packs>
[[gnu::always_inline]] inline void multiply_tile(Index depth, StridedBlock<Scalar> a, const Scalar* b, Index b_stride,
                                                 Scalar* c, Index c_stride, bool resume) {
  using P = simd::Pack<Scalar, Isa>;
  P sum[Rows][Packs];
  Scalar* at = c;
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r, at += c_stride) {
#pragma GCC unroll 2
    for (int j = 0; j < Packs; ++j) sum[r][j] = resume ? P::load(at + j * P::width) : P(Scalar(0));
  }
  // Short inner loops, whose exits are predicted.
  do {
    Index steps = std::min(Index{8}, depth);
    depth -= steps;
    do {
      P row[Packs];
#pragma GCC unroll 2
      for (int j = 0; j < Packs; ++j) row[j] = P::load(b + j * P::width);
      b += b_stride;
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) {
        const P x(a.data[r * a.row]);
#pragma GCC unroll 2
        for (int j = 0; j < Packs; ++j) sum[r][j] = fma(x, row[j], sum[r][j]);
      }
      a.data += a.step;
    } while (--steps > 0);
  } while (depth > 0);
  forget_origin(c);  // otherwise the addresses of all rows occupy registers that the loop needs
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r, c += c_stride) {
#pragma GCC unroll 2
    for (int j = 0; j < Packs; ++j) sum[r][j].store(c + j * P::width);
  }
}

template <class Scalar, class Isa, int Packs>
[[gnu::noinline]] inline void multiply_rows(Index rows, Index depth, StridedBlock<Scalar> a, const Scalar* b,
                                            Index b_stride, Scalar* c, Index c_stride, bool resume) {
  const auto step = [&]<int Rows>() {
    multiply_tile<Scalar, Isa, Rows, Packs>(depth, a, b, b_stride, c, c_stride, resume);
    a.data += Rows * a.row;
    c += Rows * c_stride;
  };
  for_each_row_tile<Isa>(rows, step);
}

/// c [rows, cols] = a b, or c + a b with `resume`; cols is a multiple of the register width, depth is at least 1. Every
/// element is one multiply-add chain over depth.
template <class Scalar, class Isa>
inline void multiply(Index rows, Index cols, Index depth, StridedBlock<Scalar> a, const Scalar* b, Index b_stride,
                     Scalar* c, Index c_stride, bool resume) {
  constexpr Index width = simd::Pack<Scalar, Isa>::width;
  Index n = 0;
  for (; n + 2 * width <= cols; n += 2 * width) {
    multiply_rows<Scalar, Isa, 2>(rows, depth, a, b + n, b_stride, c + n, c_stride, resume);
  }
  if (n < cols) multiply_rows<Scalar, Isa, 1>(rows, depth, a, b + n, b_stride, c + n, c_stride, resume);
}

/// The same, but weights of 0 are skipped: NaN or infinity in a row of b affects only the rows that see it.
template <class Scalar, class Isa>
[[gnu::noinline]] inline void multiply_selected(Index rows, Index cols, Index depth, StridedBlock<Scalar> a,
                                                const Scalar* b, Index b_stride, Scalar* c, Index c_stride,
                                                bool resume) {
  using P = simd::Pack<Scalar, Isa>;
  for (Index r = 0; r < rows; ++r) {
    for (Index n = 0; n < cols; n += P::width) {
      P sum = resume ? P::load(c + r * c_stride + n) : P(Scalar(0));
      for (Index k = 0; k < depth; ++k) {
        const Scalar w = a.data[r * a.row + k * a.step];
        if (w != Scalar(0)) sum = fma(P(w), P::load(b + k * b_stride + n), sum);
      }
      sum.store(c + r * c_stride + n);
    }
  }
}

/// Loads the first n integers into a vector with as many lanes as P.
template <class P, class Integer>
[[gnu::always_inline]] inline void load_integers(void* lanes, const Integer* from, Index n) {
  if (n == P::width) {
    std::memcpy(lanes, from, P::width * sizeof(Integer));
  } else {
    std::memcpy(lanes, from, static_cast<std::size_t>(n) * sizeof(Integer));
  }
}

/// Returns the mask of the lanes whose byte is not 0.
template <class P>
[[gnu::always_inline]] inline typename P::Mask nonzero_bytes(const std::uint8_t* bytes, Index n) {
  typedef std::uint8_t Bytes __attribute__((vector_size(P::width)));
  Bytes lanes = {};
  load_integers<P>(&lanes, bytes, n);
  return __builtin_convertvector(lanes, typename P::Mask) != 0;
}

/// Returns x where one of n keys holds the item, else 0; lanes after the first n are unspecified (x or 0).
template <class P>
[[gnu::always_inline]] inline P where_same(P x, const typename P::Integer* key_items, Index n,
                                           typename P::Integer item) {
  typename P::Mask lanes = {};
  load_integers<P>(&lanes, key_items, n);
  return select(lanes == item, x, P(typename P::Scalar(0)));
}

/// out[r] = reduce(x[r]), which combines lanes in halves, for r < rows; `out` is written in whole registers. More than
/// two rows are transposed, so that they are combined in parallel.
template <class P, class Scalar, class Reduce, class Combine>
[[gnu::always_inline]] inline void reduce_rows(const P* x, Index rows, Scalar* out, Reduce&& reduce,
                                               Combine&& combine) {
  if (rows <= 2) {
    for (Index r = 0; r < rows; ++r) out[r] = reduce(x[r]);
    return;
  }
  for (Index r = 0; r < rows; r += P::width) {
    P square[P::width];
#pragma GCC unroll 16
    for (Index i = 0; i < P::width; ++i) square[i] = x[r + i];
    simd::transpose(square);
#pragma GCC unroll 16
    for (Index half = P::width / 2; half > 0; half /= 2) {
#pragma GCC unroll 16
      for (Index i = 0; i < half; ++i) square[i] = combine(square[i], square[i + half]);
    }
    square[0].store(out + r);
  }
}

/// Writes what the mask adds to the scores of queries i .. and keys j .. to out [rows, stride], -infinity where it
/// hides. Returns false if it hides all pairs.
template <class Scalar, class Isa>
[[gnu::noinline]] inline bool mask_tile(const AttentionUnit<Scalar>& u, Index i, Index rows, Index j, Index cols,
                                        Scalar* out, Index stride) {
  using P = simd::Pack<Scalar, Isa>;
  const P hidden(-std::numeric_limits<Scalar>::infinity());
  typename P::Mask all_hidden = ~typename P::Mask{};
  for (Index r = 0; r < rows; ++r) {
    const Index at = u.mask.at(u.segment, i + r, j);
    simd::for_each_pack<P>(cols, [&](Index c, Index n) {
      P x = u.mask.additive != nullptr ? simd::load<P>(u.mask.additive + at + c, n) : P(Scalar(0));
      if (u.mask.visible != nullptr) x = select(nonzero_bytes<P>(u.mask.visible + at + c, n), x, hidden);
      x = keep_first(x, n, hidden);
      all_hidden &= x == hidden;
      x.store(out + r * stride + c);
    });
  }
  for (Index lane = 0; lane < P::width; ++lane) {
    if (all_hidden[lane] == 0) return true;
  }
  return false;
}

/// Keys [begin, end) of a tile.
struct Run {
  Index begin, end;
};

/// Which keys of a tile its queries may see.
template <class Scalar, class Isa, Index Queries, Index Keys>
struct SeenTile {
  static_assert(Queries % tile_rows<Isa> == 0 && Queries % simd::Pack<Scalar, Isa>::width == 0);
  static_assert(Keys % key_panel == 0);

  Index rows = 0;
  Index end[Queries];             ///< keys visible to query r by causality and lengths, ascending; 0 past the rows
  Index runs = 0;                 ///< 0: no key is visible
  Run run[Keys / key_panel];      ///< of keys visible to any query, in whole panels except for the end of the last
  const Scalar* added = nullptr;  ///< [rows, Keys] to add to the scores, -infinity where hidden; may be null

  /// Queries i .. i + rows - 1 and keys j .. j + keys - 1 of a unit. `scratch` is scratch of Queries x Keys elements.
  SeenTile(const AttentionUnit<Scalar>& u, Index i, Index queries, Index j, Index keys, Scalar* scratch)
      : rows(queries) {
    std::fill_n(end, Queries, Index{0});
    for (Index r = 0; r < rows; ++r) end[r] = std::clamp(u.key_end(i + r) - j, Index{0}, keys);
    if (widest() == 0) return;
    if (!u.mask.per_pair()) {
      run[runs++] = {0, widest()};
      return;
    }
    added = scratch;
    for (Index p = 0; p < widest(); p += key_panel) {
      const Index stop = std::min(p + key_panel, widest());
      if (!mask_tile<Scalar, Isa>(u, i, rows, j + p, stop - p, scratch + p, Keys)) continue;
      if (runs > 0 && run[runs - 1].end == p) {
        run[runs - 1].end = stop;
      } else {
        run[runs++] = {p, stop};
      }
    }
  }
  Index widest() const { return end[rows - 1]; }
  /// Returns the greatest `end` among the rows of the product that begins at row r.
  Index widest_from(Index r) const { return end[std::min(r + tile_rows<Isa>, rows) - 1]; }
  /// Returns how many rows from r on are multiplied together: all see the same number of keys before `stop`.
  Index alike_from(Index r, Index stop) const {
    return widest_from(r) >= std::min(stop, widest()) ? rows - r : tile_rows<Isa>;
  }
  /// Returns true if some query may see less of the runs than another.
  bool mixed() const { return added != nullptr || end[0] < widest(); }
};

}  // namespace heed::inline HEED_ABI::kernels::detail
