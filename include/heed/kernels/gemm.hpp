// SPDX-License-Identifier: Apache-2.0
// C = A B, with an epilogue that is applied to a block of C while it is in the cache.
// Every element of C is one multiply-add chain over k in ascending order, so a row's result depends neither on the
// other rows nor on how the work is split.
#pragma once

#include <algorithm>

#include "heed/core/round.hpp"
#include "heed/core/view.hpp"
#include "heed/kernels/activation.hpp"
#include "heed/kernels/prefetch.hpp"
#include "heed/kernels/transpose.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

/// C = activation(A B + bias); with `accumulate`, C + A B replaces A B.
template <class Scalar>
struct Epilogue {
  const Scalar* bias = nullptr;  ///< [N]
  Activation activation = Activation::identity;
  bool accumulate = false;
  RowPrefetcher<Scalar>* next_rows = nullptr;  ///< rows that the caller reads next, all prefetched during the product
};

namespace detail {

/// A block of A with any strides: element (m, k) at data[m * row + k * step].
template <class Scalar>
struct StridedBlock {
  const Scalar* data;
  Index row, step;
};

/// A tile has `rows` x `packs` registers of accumulators.
template <class Isa>
struct TileSize {
  static constexpr int rows = Isa::bytes == 64 ? 8 : (Isa::bytes == 32 ? 6 : 4);
};

/// Calls step.operator()<n>() for tiles of n rows that cover `rows` in order, the largest first.
template <class Isa, class Step>
[[gnu::always_inline]] inline void for_each_row_tile(Index rows, const Step& step) {
  constexpr int most = TileSize<Isa>::rows;
  for (; rows >= most; rows -= most) step.template operator()<most>();
  if constexpr (most > 4) {
    if ((rows & 4) != 0) step.template operator()<4>();
  }
  if ((rows & 2) != 0) step.template operator()<2>();
  if ((rows & 1) != 0) step.template operator()<1>();
}

/// Hides the origin of a pointer from the optimiser, which would otherwise precompute all addresses of a tile and,
/// short of general registers, keep them in vector registers.
template <class T>
[[gnu::always_inline]] inline void forget_origin(T*& p) {
  asm("" : "+r"(p));
}

template <class Scalar, class Isa, int Rows, int Packs, bool Partial>
[[gnu::always_inline]] inline void gemm_tile(Index depth, StridedBlock<Scalar> a, const Scalar* b, Index b_stride,
                                             Scalar* c, Index c_stride, Index last, bool resume, const Scalar* bias,
                                             bool relu) {
  using P = simd::Pack<Scalar, Isa>;
  const auto load = [last](const Scalar* p, int j) {
    return Partial && j == Packs - 1 ? P::load(p + j * P::width, last) : P::load(p + j * P::width);
  };
  P sum[Rows][Packs];
  const Scalar* from = c;
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (int j = 0; j < Packs; ++j) sum[r][j] = resume ? load(from, j) : P(Scalar(0));
    from += c_stride;
    forget_origin(from);
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {  // C of the next tile
    __builtin_prefetch(from);
    __builtin_prefetch(from + P::width);
    from += c_stride;
    forget_origin(from);
  }
  // One pointer per three rows: base, base + row and base + 2 row are addressing modes of an instruction.
  constexpr int bases = (Rows + 2) / 3;
  const Scalar* at[bases];
#pragma GCC unroll 8
  for (int i = 0; i < bases; ++i) {
    at[i] = a.data + 3 * i * a.row;
    forget_origin(at[i]);
  }
  // Prefetches A: the rows of the next tile, a part in each step, so that they arrive in time; or of A^T, whose columns
  // cross cache lines, the elements some steps ahead.
  const Scalar* next = a.data + (a.step == 1 ? Rows * a.row : 16 * a.step);
  const Index next_step = a.step == 1 ? Rows : a.step;
  for (Index k = 0; k < depth; ++k) {
    __builtin_prefetch(next);
    next += next_step;
    P row[Packs];
#pragma GCC unroll 8
    for (int j = 0; j < Packs; ++j) row[j] = load(b, j);
#pragma GCC unroll 16
    for (int r = 0; r < Rows; ++r) {
      const P x(at[r / 3][r % 3 * a.row]);
#pragma GCC unroll 8
      for (int j = 0; j < Packs; ++j) sum[r][j] = fma(x, row[j], sum[r][j]);
    }
#pragma GCC unroll 8
    for (int i = 0; i < bases; ++i) at[i] += a.step;
    b += b_stride;
  }
  if (bias != nullptr) {
#pragma GCC unroll 8
    for (int j = 0; j < Packs; ++j) {
      const P y = load(bias, j);
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) sum[r][j] = sum[r][j] + y;
    }
  }
  if (relu) {
#pragma GCC unroll 8
    for (int j = 0; j < Packs; ++j) {
#pragma GCC unroll 16
      for (int r = 0; r < Rows; ++r) sum[r][j] = activate(Activation::relu, sum[r][j]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 8
    for (int j = 0; j < Packs; ++j) {
      if (Partial && j == Packs - 1) {
        sum[r][j].store(c + j * P::width, last);
      } else {
        sum[r][j].store(c + j * P::width);
      }
    }
    c += c_stride;
    forget_origin(c);
  }
}

/// What is applied to a panel of C besides the product.
template <class Scalar>
struct PanelEpilogue {
  bool resume = false;                         ///< sums continue from C
  bool relu = false;                           ///< applied after the bias
  const Scalar* bias = nullptr;                ///< of the panel's columns; may be null
  RowPrefetcher<Scalar>* next_rows = nullptr;  ///< may be null
  Index share = 0;                             ///< rows of next_rows to prefetch with each tile
};

/// Computes all rows of one panel of columns. For a single row the panel has eight registers, or four: with two, each
/// addition would wait for the previous one.
template <class Scalar, class Isa, int Packs, bool Partial>
[[gnu::noinline]] void gemm_panel(Index rows, Index depth, StridedBlock<Scalar> a, const Scalar* b, Index b_stride,
                                  Scalar* c, Index c_stride, Index last, PanelEpilogue<Scalar> after) {
  const auto step = [&]<int Rows>() {
    if (after.next_rows != nullptr) after.next_rows->step(after.share);
    gemm_tile<Scalar, Isa, Rows, Packs, Partial>(depth, a, b, b_stride, c, c_stride, last, after.resume, after.bias,
                                                 after.relu);
    a.data += Rows * a.row;
    c += Rows * c_stride;
  };
  if constexpr (Packs <= 2) {
    for_each_row_tile<Isa>(rows, step);
  } else {
    for (; rows > 0; --rows) step.template operator()<1>();
  }
}

template <class Isa, class Scalar>
inline void gemm_blocks(Index rows, Index cols, Index depth, StridedBlock<Scalar> a, const Scalar* b, Index b_stride,
                        Scalar* c, Index c_stride, const Epilogue<Scalar>& epilogue) {
  // Constants: sums are split only here, and continue from C without additional rounding.
  constexpr Index depth_block = 256, row_block = 96;
  using P = simd::Pack<Scalar, Isa>;
  constexpr Index width = P::width;
  if (rows == 0 || cols == 0) return;
  if (depth == 0) a.data = b = c;  // empty operands may be null, and null has no offsets
  // A panel of B whose rows span more than L1 is evicted, because wide strides map to few cache sets; many rows of C
  // repay a copy. (AVX-512's kernels were measured without.)
  constexpr bool copies = Isa::bytes < 64;
  constexpr Index near = 32768 / static_cast<Index>(sizeof(Scalar));
  alignas(64) Scalar panel[copies ? depth_block * 2 * width : 1];
  const Index tiles = ceil_divide(rows, TileSize<Isa>::rows) * ceil_divide(cols, 2 * width) *
                      std::max(Index{1}, ceil_divide(depth, depth_block));
  PanelEpilogue<Scalar> after{.next_rows = epilogue.next_rows};
  if (after.next_rows != nullptr) after.share = ceil_divide(after.next_rows->remaining(), tiles);
  Index k = 0;
  do {
    const Index deep = depth - k < depth_block ? depth - k : depth_block;
    const bool final = k + deep == depth;
    after.resume = epilogue.accumulate || k > 0;
    after.relu = final && epilogue.activation == Activation::relu;
    for (Index m = 0; m < rows; m += row_block) {
      const Index tall = rows - m < row_block ? rows - m : row_block;
      const StridedBlock<Scalar> block{a.data + m * a.row + k * a.step, a.row, a.step};
      for (Index n = 0, wide = 0; n < cols; n += wide) {
        wide = cols - n;
        after.bias = final && epilogue.bias != nullptr ? epilogue.bias + n : nullptr;
        const Scalar* b_at = b + k * b_stride + n;
        Scalar* c_at = c + m * c_stride + n;
        const auto multiply = [&]<int Packs, bool Partial>(Index last, const Scalar* from, Index from_stride) {
          gemm_panel<Scalar, Isa, Packs, Partial>(tall, deep, block, from, from_stride, c_at, c_stride, last, after);
        };
        if (tall == 1 && wide >= 8 * width) {
          wide = 8 * width;
          multiply.template operator()<8, false>(width, b_at, b_stride);
        } else if (tall == 1 && wide >= 4 * width) {
          wide = 4 * width;
          multiply.template operator()<4, false>(width, b_at, b_stride);
        } else if (wide >= 2 * width) {
          wide = 2 * width;
          const bool copy = copies && tall >= 4 * TileSize<Isa>::rows && deep * b_stride > near;
          for (Index d = 0; copy && d < deep; ++d) {
            P::load(b_at + d * b_stride).store(panel + d * wide);
            P::load(b_at + d * b_stride + width).store(panel + d * wide + width);
          }
          multiply.template operator()<2, false>(width, copy ? panel : b_at, copy ? wide : b_stride);
        } else if (wide > width) {
          multiply.template operator()<2, true>(wide - width, b_at, b_stride);
        } else {
          multiply.template operator()<1, true>(wide, b_at, b_stride);
        }
        if (final && !after.relu && epilogue.activation != Activation::identity) {
          // Applied here, from the cache: unrolled in the tile, an activation's code would appear once per register and
          // make up half of a program's machine code. Relu is one instruction.
          for (Index r = 0; r < tall; ++r) {
            Scalar* at = c_at + r * c_stride;
            activation_forward<Scalar, Isa>(epilogue.activation, wide, at, at);
          }
        }
      }
    }
    k += deep;
  } while (k < depth);
}

}  // namespace detail

/// C [M, N] = A [M, K] B [K, N]. Any row strides; C must not overlap A or B. `Isa` is last, so callers can omit it.
template <class Scalar, class Isa = simd::NativeIsa>
void gemm(MatrixView<const Scalar> a, MatrixView<const Scalar> b, MatrixView<Scalar> c,
          Epilogue<Scalar> epilogue = {}) noexcept {
  detail::gemm_blocks<Isa, Scalar>(c.rows(), c.cols(), a.cols(), {a.data(), a.row_stride(), 1}, b.data(),
                                   b.row_stride(), c.data(), c.row_stride(), epilogue);
}

/// C [M, N] = A^T B with A [K, M], B [K, N], as in the gradient of a weight.
template <class Scalar, class Isa = simd::NativeIsa>
void gemm_tn(MatrixView<const Scalar> a, MatrixView<const Scalar> b, MatrixView<Scalar> c,
             Epilogue<Scalar> epilogue = {}) noexcept {
  detail::gemm_blocks<Isa, Scalar>(c.rows(), c.cols(), a.rows(), {a.data(), 1, a.row_stride()}, b.data(),
                                   b.row_stride(), c.data(), c.row_stride(), epilogue);
}

}  // namespace heed::inline HEED_ABI::kernels
