// SPDX-License-Identifier: Apache-2.0
// Checks the backward pass of an operation against finite differences of its forward pass.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "heed/autograd/tape.hpp"
#include "heed/testing/allclose.hpp"

namespace heed::inline HEED_ABI::testing {

struct GradcheckOptions {
  double tolerance = 1e-7;    ///< maximum of GradcheckResult::error
  double step = 0x1p-10;      ///< of the finite differences, multiplied by max(1, |x|)
  Index max_positions = 200;  ///< per input; of larger inputs, a random subset is checked
  bool strided = false;       ///< passes inputs as column slices of wider arrays, which are NaN elsewhere
  Random random{20240607};    ///< of the cotangent c and of the subset
  TapeOptions tape{};         ///< of all evaluations; `record` is set as needed

  void fields(auto&& visitor) {
    visitor("tolerance", tolerance, "step", step, "max_positions", max_positions, "strided", strided, "random", random,
            "tape", tape);
  }
};

/// The result of `gradcheck`, with the worst element; converts to true when all gradients agree.
struct GradcheckResult {
  Index input = -1;     ///< which input; -1: the output, which differs for slices
  Index position = -1;  ///< which of its elements, row-major
  double analytic = 0, numeric = 0;
  double error = 0;  ///< |analytic - numeric| / (maximum |numeric| of the input + 1e-3); infinite for NaN
  double tolerance = 0;
  Index checked = 0;  ///< number of elements compared
  const char* note = "";

  explicit operator bool() const { return error <= tolerance; }
  std::string message() const {
    if (input < 0 && error > 0) {
      return "output at element " + std::to_string(position) + ": " + detail::digits(analytic) + " from slices, " +
             detail::digits(numeric) + " from the same values without gaps";
    }
    return "gradient of input " + std::to_string(input) + " at element " + std::to_string(position) +
           ": backward gives " + detail::digits(analytic) + ", differences give " + detail::digits(numeric) +
           " (error " + detail::digits(error) + ", allowed " + detail::digits(tolerance) + ", " +
           std::to_string(checked) + " elements compared)" + note;
  }
};

/// Returns x as a slice: a variable whose elements are columns 1 .. cols of a wider array that is NaN elsewhere. A
/// scalar is not sliced. `whole`, if not null, receives the wider array.
template <class Scalar>
Var<Scalar> column_slice(Tape<Scalar>& tape, TensorView<const Scalar> x, Var<Scalar>* whole = nullptr) {
  if (x.shape().rank() == 0) return tape.variable(x);
  Tensor<Scalar> wide =
      Tensor<Scalar>::full(x.shape().with_cols(x.cols() + 3), std::numeric_limits<Scalar>::quiet_NaN());
  for (Index i = 0; i < x.rows(); ++i) std::copy_n(x.row(i), x.cols(), wide.view().row(i) + 1);
  const Var<Scalar> all = tape.variable(wide);
  if (whole != nullptr) *whole = all;
  return tape.alias(all, {all.value().data() + 1, x.shape(), wide.cols()});
}

namespace detail {

/// True when only columns 1 .. cols of `whole` received a gradient.
inline bool only_inside(Var<double> whole, Index cols) {
  const TensorView<const double> g = whole.gradient();
  for (Index i = 0; g && i < g.rows(); ++i) {
    for (Index j = 0; j < g.cols(); ++j) {
      if ((j < 1 || j > cols) && g(i, j) != 0.0) return false;
    }
  }
  return true;
}

}  // namespace detail

/// Compares dL/dx of every input x with finite differences (four points, fourth-order error), where L = sum(c * f(x))
/// for a random c: a plain sum would not detect gradient errors that sum to zero. All inputs also receive a gradient
/// from another operation, so that a backward function that overwrites gradients instead of adding to them is detected.
/// With `strided`, f(x) must also have the value that contiguous inputs give, within the tolerance.
/// `function(Tape<double>&, std::span<const Var<double>>) -> Var<double>` must be smooth near the inputs.
template <class Function>
GradcheckResult gradcheck(const Function& function, std::span<const Tensor<double>> inputs,
                          const GradcheckOptions& options = {}) {
  using Vars = std::vector<Var<double>>;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  GradcheckResult out;
  out.tolerance = options.tolerance;

  // Analytic gradients. The recorded loss adds c to the gradient of the output and 1 to those of the inputs.
  std::vector<Tensor<double>> analytic;
  Tensor<double> c, output;
  {
    TapeOptions recording = options.tape;
    recording.record = true;
    Tape<double> tape(recording);
    Vars x(inputs.size()), whole(inputs.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      x[i] = options.strided ? column_slice(tape, inputs[i].view(), &whole[i]) : tape.variable(inputs[i]);
    }
    const Var<double> y = function(tape, std::span<const Var<double>>(x));
    output = Tensor<double>(y.value());
    c = Tensor<double>::normal(y.shape(), options.random.fork("cotangent"));
    const double* weights = tape.keep(std::span<const double>(c.data(), static_cast<std::size_t>(c.size())));
    const Var<double>* kept = tape.keep(std::span<const Var<double>>(x));
    const std::size_t count = x.size();
    const TensorView<double> loss = tape.allocate({});
    loss[0] = 0;
    Vars all = x;
    all.push_back(y);
    const Var<double> l = tape.record(std::span<const Var<double>>(all), loss, [=](const Gradients<double>& g) {
      const auto add = [](const TensorView<double>& to, const auto& value) {
        for (Index i = 0; i < to.rows(); ++i) {
          for (Index j = 0; j < to.cols(); ++j) to(i, j) += value(i * to.cols() + j);
        }
      };
      for (std::size_t i = 0; i < count; ++i) add(g(kept[i]), [](Index) { return 1.0; });
      if (const auto dy = g(y)) add(dy, [weights](Index at) { return weights[at]; });
    });
    tape.backward(l);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      analytic.emplace_back(x[i].gradient());
      analytic.back().array() -= 1.0;
      if (whole[i] && !detail::only_inside(whole[i], inputs[i].cols())) {
        out.input = static_cast<Index>(i);
        out.error = infinity;
        out.note = ": backward wrote outside of a slice";
        return out;
      }
    }
  }

  // Numeric gradients.
  std::vector<Tensor<double>> moved(inputs.begin(), inputs.end());
  TapeOptions values_only = options.tape;
  values_only.record = false;
  const auto evaluate = [&]() {
    Tape<double> tape(values_only);
    Vars x;
    for (const auto& input : moved) x.push_back(tape.constant(input));
    return Tensor<double>(function(tape, std::span<const Var<double>>(x)).value());
  };
  if (options.strided) {
    const Tensor<double> wanted = evaluate();
    for (Index k = 0; k < wanted.size(); ++k) {
      const double got = output.data()[k], want = wanted.data()[k];
      if (got == want || std::abs(got - want) <= options.tolerance * std::max(1.0, std::abs(want))) continue;
      out.position = k;
      out.analytic = got;
      out.numeric = want;
      out.error = infinity;
      return out;
    }
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Index size = inputs[i].size(), count = std::min(size, options.max_positions);
    std::vector<Index> positions(static_cast<std::size_t>(size));
    for (Index p = 0; p < size; ++p) positions[static_cast<std::size_t>(p)] = p;
    if (count < size) options.random.fork(i).shuffle(std::span<Index>(positions));
    positions.resize(static_cast<std::size_t>(count));
    std::vector<double> numeric;
    double scale = 1e-3;
    for (const Index p : positions) {
      const double x = inputs[i].data()[p], h = options.step * std::max(1.0, std::abs(x));
      const auto at = [&](double value) {
        moved[i].data()[p] = value;
        return evaluate();
      };
      const Tensor<double> near_up = at(x + h), near_down = at(x - h), far_up = at(x + 2 * h), far_down = at(x - 2 * h);
      moved[i].data()[p] = x;
      // Differences before summing, so that outputs that do not change add no rounding error.
      double sum = 0;
      for (Index k = 0; k < c.size(); ++k) {
        const double a = near_up.data()[k], b = near_down.data()[k], far = far_up.data()[k] - far_down.data()[k];
        if (a == b && far_up.data()[k] == far_down.data()[k]) continue;  // includes outputs that stay infinite
        sum += c.data()[k] * (8 * (a - b) - far);
      }
      numeric.push_back(sum / (12 * h));
      scale = std::max(scale, std::abs(numeric.back()) + 1e-3);
    }
    for (std::size_t k = 0; k < positions.size(); ++k) {
      const double a = analytic[i].data()[positions[k]], n = numeric[k];
      double error = std::abs(a - n) / scale;
      if (!std::isfinite(error)) error = infinity;
      ++out.checked;
      if (out.input >= 0 && error <= out.error) continue;
      out.input = static_cast<Index>(i);
      out.position = positions[k];
      out.analytic = a;
      out.numeric = n;
      out.error = error;
    }
  }
  return out;
}

}  // namespace heed::inline HEED_ABI::testing
