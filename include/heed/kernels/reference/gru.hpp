// SPDX-License-Identifier: Apache-2.0
// One GRU layer over one sequence, directly from its definition.
#pragma once

#include <algorithm>
#include <cmath>

#include "heed/core/view.hpp"
#include "heed/kernels/reference/activation.hpp"

namespace heed::inline HEED_ABI::kernels::reference {

/// r, z = sigmoid(W_i x_t + b_i + W_h h_(t-1) + b_h) and n = tanh(W_in x_t + b_in + r s) with s = W_hn h_(t-1) + b_hn,
/// h_t = (1 - z) n + z h_(t-1).  The weights' rows are r z n of H each.
/// x [T, in], w_ih [3H, in], w_hh [3H, H], b_ih and b_hh [3H] or null; h [H]: in, the initial state, out, the last;
/// output [T, H] is h_t. `reverse` runs t from T - 1 to 0. `gates` [T, 4H] (n r z s) is kept for the backward pass.
inline void gru(TensorView<const double> x, TensorView<const double> w_ih, TensorView<const double> w_hh,
                const double* b_ih, const double* b_hh, bool reverse, double* h, TensorView<double> output,
                TensorView<double> gates) {
  const Index T = x.rows(), H = w_hh.cols();
  for (Index step = 0; step < T; ++step) {
    const Index t = reverse ? T - 1 - step : step;
    const auto of_input = [&](Index j) {
      double sum = b_ih == nullptr ? 0.0 : b_ih[j];
      for (Index k = 0; k < x.cols(); ++k) sum += w_ih(j, k) * x(t, k);
      return sum;
    };
    const auto of_state = [&](Index j) {
      double sum = b_hh == nullptr ? 0.0 : b_hh[j];
      for (Index k = 0; k < H; ++k) sum += w_hh(j, k) * h[k];
      return sum;
    };
    for (Index j = 0; j < H; ++j) {
      const double r = sigmoid(of_input(j) + of_state(j)), z = sigmoid(of_input(H + j) + of_state(H + j));
      const double s = of_state(2 * H + j), n = std::tanh(of_input(2 * H + j) + r * s);
      gates(t, j) = n;
      gates(t, H + j) = r;
      gates(t, 2 * H + j) = z;
      gates(t, 3 * H + j) = s;
      output(t, j) = (1 - z) * n + z * h[j];
    }
    std::copy_n(output.row(t), H, h);
  }
}

/// From the last step to the first, with dh the gradient of h_t (in: of the last state, out: of the initial one):
/// dh += doutput_t;  dn = dh (1 - z) (1 - n^2);  dr = dn s r (1 - r);  dz = dh (h_(t-1) - n) z (1 - z);  ds = dn r;
/// dh <- dh z + W_hh^T (dr, dz, ds).  d_gates [T, 4H] (dn dr dz ds) is written. `h0` [H] is the initial state.
inline void gru_backward(TensorView<const double> w_hh, bool reverse, TensorView<const double> gates,
                         TensorView<const double> output, const double* h0, TensorView<const double> doutput,
                         double* dh, TensorView<double> d_gates) {
  const Index T = gates.rows(), H = w_hh.cols();
  for (Index step = T; step-- > 0;) {
    const Index t = reverse ? T - 1 - step : step;
    const double* previous = step == 0 ? h0 : output.row(reverse ? t + 1 : t - 1);
    for (Index j = 0; j < H; ++j) {
      const double n = gates(t, j), r = gates(t, H + j), z = gates(t, 2 * H + j), s = gates(t, 3 * H + j);
      dh[j] += doutput(t, j);
      const double dn = dh[j] * (1 - z) * (1 - n * n);
      d_gates(t, j) = dn;
      d_gates(t, H + j) = dn * s * r * (1 - r);
      d_gates(t, 2 * H + j) = dh[j] * (previous[j] - n) * z * (1 - z);
      d_gates(t, 3 * H + j) = dn * r;
      dh[j] *= z;
    }
    for (Index k = 0; k < H; ++k) {
      for (Index j = 0; j < 3 * H; ++j) dh[k] += w_hh(j, k) * d_gates(t, H + j);
    }
  }
}

}  // namespace heed::inline HEED_ABI::kernels::reference
