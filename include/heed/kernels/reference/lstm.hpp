// SPDX-License-Identifier: Apache-2.0
// One LSTM layer over one sequence, directly from its definition.
#pragma once

#include <algorithm>
#include <cmath>
#include <vector>

#include "heed/core/view.hpp"
#include "heed/kernels/reference/activation.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// z_t = W_ih x_t + b + W_hh h_(t-1), rows i f g o of H each;  i, f, o = sigmoid(z_i, z_f, z_o), g = tanh(z_g)
/// c_t = f c_(t-1) + i g,  h_t = o tanh(c_t), or W_hr (o tanh(c_t)) where W_hr is given.
/// x [T, in], w_ih [4H, in], w_hh [4H, R], b [4H] or null, w_hr [R, H] or empty; h [R] and c [H]: in, the initial
/// state, out, the last; output [T, R] is h_t. `reverse` runs t from T - 1 to 0.
/// `gates` [T, 4H] (i f g o) and `cells` [T, H] (c_t) are kept for the backward pass.
inline void lstm(TensorView<const double> x, TensorView<const double> w_ih, TensorView<const double> w_hh,
                 const double* b, TensorView<const double> w_hr, bool reverse, double* h, double* c,
                 TensorView<double> output, TensorView<double> gates, TensorView<double> cells) {
  const Index T = x.rows(), H = w_hh.rows() / 4, R = w_hh.cols();
  std::vector<double> m(static_cast<std::size_t>(H));
  for (Index step = 0; step < T; ++step) {
    const Index t = reverse ? T - 1 - step : step;
    double* z = gates.row(t);
    for (Index j = 0; j < 4 * H; ++j) {
      double sum = b == nullptr ? 0.0 : b[j];
      for (Index k = 0; k < x.cols(); ++k) sum += w_ih(j, k) * x(t, k);
      for (Index k = 0; k < R; ++k) sum += w_hh(j, k) * h[k];
      z[j] = j / H == 2 ? std::tanh(sum) : sigmoid(sum);
    }
    for (Index j = 0; j < H; ++j) {
      c[j] = z[H + j] * c[j] + z[j] * z[2 * H + j];
      cells(t, j) = c[j];
      m[static_cast<std::size_t>(j)] = z[3 * H + j] * std::tanh(c[j]);
    }
    for (Index r = 0; r < R; ++r) {
      if (w_hr) h[r] = 0;
      for (Index j = 0; w_hr && j < H; ++j) h[r] += w_hr(r, j) * m[static_cast<std::size_t>(j)];
      if (!w_hr) h[r] = m[static_cast<std::size_t>(r)];
    }
    std::copy_n(h, R, output.row(t));
  }
}

/// From the last step to the first, with dh and dc the gradients of h_t and c_t (in: of the last state, out: of the
/// initial one):  dh += doutput_t;  dm = dh, or W_hr^T dh;  dc += dm o (1 - tanh(c_t)^2);
/// dz = (dc g i (1 - i), dc c_(t-1) f (1 - f), dc i (1 - g^2), dm tanh(c_t) o (1 - o));  dc <- dc f;  dh <- W_hh^T dz.
/// dz [T, 4H] is written. `c0` [H] is the initial cell state.
inline void lstm_backward(TensorView<const double> w_hh, TensorView<const double> w_hr, bool reverse,
                          TensorView<const double> gates, TensorView<const double> cells, const double* c0,
                          TensorView<const double> doutput, double* dh, double* dc, TensorView<double> dz) {
  const Index T = gates.rows(), H = w_hh.rows() / 4, R = w_hh.cols();
  for (Index step = T; step-- > 0;) {
    const Index t = reverse ? T - 1 - step : step;
    const double* c_previous = step == 0 ? c0 : cells.row(reverse ? t + 1 : t - 1);
    for (Index r = 0; r < R; ++r) dh[r] += doutput(t, r);
    for (Index j = 0; j < H; ++j) {
      const double i = gates(t, j), f = gates(t, H + j), g = gates(t, 2 * H + j), o = gates(t, 3 * H + j);
      double dm = w_hr ? 0.0 : dh[j];
      for (Index r = 0; w_hr && r < R; ++r) dm += w_hr(r, j) * dh[r];
      const double top = std::tanh(cells(t, j));
      dc[j] += dm * o * (1 - top * top);
      dz(t, j) = dc[j] * g * i * (1 - i);
      dz(t, H + j) = dc[j] * c_previous[j] * f * (1 - f);
      dz(t, 2 * H + j) = dc[j] * i * (1 - g * g);
      dz(t, 3 * H + j) = dm * top * o * (1 - o);
      dc[j] *= f;
    }
    for (Index r = 0; r < R; ++r) {
      dh[r] = 0;
      for (Index j = 0; j < 4 * H; ++j) dh[r] += w_hh(j, r) * dz(t, j);
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
