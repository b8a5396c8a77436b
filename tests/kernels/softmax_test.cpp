// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/softmax.hpp"

#include <cmath>

#include "heed/kernels/reference/softmax.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

/// dx_j = y_j (dy_j - sum_k dy_k y_k), or dy_j - e^y_j sum_k dy_k; 0 for the hidden.
void reference_backward(bool logarithm, Index size, Index stride, const double* y, const double* dy, double* dx) {
  double total = 0;
  const auto weight = [&](Index j) { return logarithm ? std::exp(y[j * stride]) : y[j * stride]; };
  for (Index j = 0; j < size; ++j) {
    if (weight(j) != 0) total += logarithm ? dy[j * stride] : weight(j) * dy[j * stride];
  }
  for (Index j = 0; j < size; ++j) {
    if (weight(j) == 0) continue;
    dx[j * stride] += logarithm ? dy[j * stride] - weight(j) * total : weight(j) * (dy[j * stride] - total);
  }
}

/// Scores, every third of them hidden.
template <class Scalar>
Tensor<Scalar> scores(const Shape& shape) {
  auto x = test::normal_as<Scalar>(shape, "x", Scalar(3));
  for (Index i = 0; i < x.size(); i += 3) x.data()[i] = -std::numeric_limits<Scalar>::infinity();
  return x;
}

TEST_CASE("softmax and log-softmax of rows and columns, and their gradients, match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      INFO("size " << size);
      // A row.
      const auto x = scores<Scalar>({size}), dy = test::normal_as<Scalar>({size}, "dy");
      const auto in = test::to_double(x), g = test::to_double(dy);
      const auto row = [&](bool logarithm, auto forward, auto backward, auto reference) {
        INFO((logarithm ? "log-softmax" : "softmax"));
        Tensor<Scalar> y({size}), dx = Tensor<Scalar>::ones({size});
        Tensor<double> expected({size}), slope = Tensor<double>::ones({size});
        forward(size, x.data(), y.data());
        reference(size, 1, in.data(), expected.data());
        test::check_close(y, expected, test::tolerance<Scalar>());
        backward(size, y.data(), dy.data(), dx.data());
        reference_backward(logarithm, size, 1, expected.data(), g.data(), slope.data());
        test::check_close(dx, slope, test::tolerance<Scalar>());
      };
      row(false, kernels::softmax_row<Scalar, Isa>, kernels::softmax_row_backward<Scalar, Isa>,
          kernels::reference::softmax);
      row(true, kernels::log_softmax_row<Scalar, Isa>, kernels::log_softmax_row_backward<Scalar, Isa>,
          kernels::reference::log_softmax);

      // As many columns, with gaps between rows; the first column is entirely hidden.
      const Index rows = 4;
      auto wide = scores<Scalar>({rows, size + 2});
      for (Index i = 0; i < rows; ++i) wide(i, 1) = -std::numeric_limits<Scalar>::infinity();
      const Tensor<Scalar> columns(TensorView<const Scalar>(wide.view().columns(1, size + 1)));
      const auto dys = test::normal_as<Scalar>({rows, size}, "dys");
      const auto ins = test::to_double(columns), gs = test::to_double(dys);
      Tensor<Scalar> ys({rows, size}), dxs = Tensor<Scalar>::ones({rows, size});
      Tensor<double> wanted({rows, size}), slopes = Tensor<double>::ones({rows, size});
      kernels::softmax_columns<Scalar, Isa>(wide.view().columns(1, size + 1), ys.view());
      for (Index j = 0; j < size; ++j) {
        kernels::reference::softmax(rows, size, ins.data() + j, wanted.data() + j);
        reference_backward(false, rows, size, wanted.data() + j, gs.data() + j, slopes.data() + j);
      }
      test::check_close(ys, wanted, test::tolerance<Scalar>());
      kernels::softmax_columns_backward<Scalar, Isa>(ys.view(), dys.view(), dxs.view());
      test::check_close(dxs, slopes, test::tolerance<Scalar>());
    }
  });
}

TEST_CASE("the gradient of a hidden element has no influence, even if it is NaN") {
  const float y[] = {0, 0.25f, 0.75f}, dy[] = {NAN, 1, 2}, log_y[] = {-INFINITY, std::log(0.25f), std::log(0.75f)};
  float dx[] = {5, 0, 0}, log_dx[] = {5, 0, 0}, column_dx[] = {5, 0, 0};
  kernels::softmax_row_backward(3, y, dy, dx);
  kernels::log_softmax_row_backward(3, log_y, dy, log_dx);
  kernels::softmax_columns_backward<float>({y, {3, 1}}, {dy, {3, 1}}, {column_dx, {3, 1}});
  CHECK(dx[0] == 5);
  CHECK(dx[1] == Approx(0.25 * (1 - 1.75)));
  CHECK(log_dx[0] == 5);
  CHECK(log_dx[2] == Approx(2 - 0.75 * 3));
  CHECK(column_dx[0] == 5);
  CHECK(column_dx[1] == dx[1]);
}

TEST_CASE("mask_row ignores the values of hidden scores") {
  MaskView<float> mask;
  const Index lengths[] = {3};
  const std::uint8_t visible[] = {1, 0, 1, 1};
  const float additive[] = {0.5f, 0, -INFINITY, 0}, x[] = {1, NAN, INFINITY, NAN};
  mask.lengths = lengths;
  mask.visible = visible;
  mask.additive = additive;
  mask.row_stride = 4;
  float out[4];
  kernels::mask_row(mask, 0, 0, 1, 4, x, out);
  CHECK(out[0] == 1.5f);
  for (const int j : {1, 2, 3}) CHECK(out[j] == -INFINITY);
}

}  // namespace HEED_TEST_UNIT
