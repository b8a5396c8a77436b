// SPDX-License-Identifier: Apache-2.0
// Additive attention of a few queries and keys in registers. Rows are padded to pairs of whole registers.
#pragma once

#include <algorithm>

#include "heed/core/view.hpp"
#include "heed/simd/math.hpp"
#include "heed/simd/reduce.hpp"

namespace heed::inline HEED_ABI::kernels::detail {

/// Keys per query that are processed together in registers; queries per key, which need more registers.
inline constexpr int additive_keys = 4;
template <class Isa>
inline constexpr int additive_rows = Isa::bytes == 64 ? 4 : 2;

/// Computes r for two registers of features from e^2q and e^2k or, if `Far`, from q and k. One division serves both
/// registers: two multiplications cost less than a second division.
template <bool Far, class P>
[[gnu::always_inline]] inline void additive_ratios(const P (&q)[2], const P (&k)[2], P one, P (&out)[2]) {
  if constexpr (Far) {
    for (int h = 0; h < 2; ++h) {
      const P x = q[h] + k[h];
      out[h] = one / (one + exp(x + x));
    }
  } else {
    const P a = fma(q[0], k[0], one), b = fma(q[1], k[1], one), inverse = one / (a * b);
    out[0] = inverse * b;
    out[1] = inverse * a;
  }
}
template <class P, class Scalar>
[[gnu::always_inline]] inline void load_two(const Scalar* from, P (&to)[2]) {
  to[0] = P::load(from);
  to[1] = P::load(from + P::width);
}

/// sum[j] = w . r of one query and `Keys` keys, before the sum over the lanes.
template <bool Far, int Keys, class P, class Scalar>
inline void additive_score_tile(Index width, const Scalar* w, const Scalar* q, const Scalar* k, Index stride, P* sum) {
  const P one(Scalar(1));
  P total[Keys];
#pragma GCC unroll 4
  for (int j = 0; j < Keys; ++j) total[j] = P(Scalar(0));
  for (Index c = 0; c < width; c += 2 * P::width) {
    P x[2], weight[2];
    load_two(q + c, x);
    load_two(w + c, weight);
#pragma GCC unroll 4
    for (int j = 0; j < Keys; ++j) {
      P y[2], ratio[2];
      load_two(k + j * stride + c, y);
      additive_ratios<Far>(x, y, one, ratio);
      total[j] = fma(weight[1], ratio[1], fma(weight[0], ratio[0], total[j]));
    }
  }
#pragma GCC unroll 4
  for (int j = 0; j < Keys; ++j) sum[j] = total[j];
}

/// Adds the contributions of `Rows` queries and a run of keys, before w, to dq, dk and dw; d is ds [Rows, keys].
template <bool Far, int Rows, class P, class Scalar>
inline void additive_gradient_tile(Index width, Index keys, const Scalar* q, const Scalar* k, Index stride,
                                   const Scalar* d, Index d_stride, Scalar* dq, Scalar* dk, Scalar* dw) {
  const P one(Scalar(1));
  for (Index c = 0; c < width; c += 2 * P::width) {
    P x[Rows][2], row_sum[Rows][2], all[2] = {P(Scalar(0)), P(Scalar(0))};
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
      load_two(q + r * stride + c, x[r]);
      load_two(dq + r * stride + c, row_sum[r]);
    }
    for (Index j = 0; j < keys; ++j) {
      P y[2], key_sum[2];
      load_two(k + j * stride + c, y);
      load_two(dk + j * stride + c, key_sum);
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) {
        P ratio[2];
        additive_ratios<Far>(x[r], y, one, ratio);
        const P ds(d[r * d_stride + j]);
#pragma GCC unroll 2
        for (int h = 0; h < 2; ++h) {
          const P part = ds * ratio[h], slope = fma(-part, ratio[h], part);
          all[h] = all[h] + part;
          row_sum[r][h] = row_sum[r][h] + slope;
          key_sum[h] = key_sum[h] + slope;
        }
      }
      key_sum[0].store(dk + j * stride + c);
      key_sum[1].store(dk + j * stride + c + P::width);
    }
#pragma GCC unroll 4
    for (int r = 0; r < Rows; ++r) {
      row_sum[r][0].store(dq + r * stride + c);
      row_sum[r][1].store(dq + r * stride + c + P::width);
    }
    (P::load(dw + c) + all[0]).store(dw + c);
    (P::load(dw + c + P::width) + all[1]).store(dw + c + P::width);
  }
}

/// out[j] = lane sum of what `tile<n>(j, sum)` writes for keys j .. j + n - 1, for at most one register of keys.
template <class P, class Scalar, class Tile>
[[gnu::always_inline]] inline void by_tiles(Index keys, Scalar* out, const Tile& tile) {
  P sum[P::width];
  Index j = 0;
  for (; j + additive_keys <= keys; j += additive_keys) tile.template operator()<additive_keys>(j, sum + j);
  for (; j < keys; ++j) tile.template operator()<1>(j, sum + j);
  for (; j < P::width; ++j) sum[j] = P(Scalar(0));
  simd::store(reduce_each(sum, [](P a, P b) { return a + b; }), out, keys);
}

/// out[j] = x_j . y for the rows of x, at most as many as a register has lanes.
template <class P, class Scalar>
[[gnu::always_inline]] inline void row_dots(MatrixView<const Scalar> x, const Scalar* y, Scalar* out) {
  const Index stride = x.row_stride();
  by_tiles<P>(x.rows(), out, [&]<int Rows>(Index at, P* sum) {
    P total[Rows];
    std::fill_n(total, Rows, P(Scalar(0)));
    simd::for_each_pack<P>(x.cols(), [&](Index c, Index n) {
      const P factor = simd::load<P>(y + c, n);
#pragma GCC unroll 4
      for (int r = 0; r < Rows; ++r) total[r] = fma(factor, simd::load<P>(x.row(at) + r * stride + c, n), total[r]);
    });
    std::copy_n(total, Rows, sum);
  });
}

}  // namespace heed::inline HEED_ABI::kernels::detail
