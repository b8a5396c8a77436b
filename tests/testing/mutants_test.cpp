// SPDX-License-Identifier: Apache-2.0
// Tests gradcheck with operations that have one fault each: it must detect all of them.
#include <catch2/catch.hpp>

#include "heed/testing/gradcheck.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using Vars = std::span<const Var<double>>;

enum class Mutant {
  none,
  flipped_sign,     ///< the sign of one input's gradient
  dropped_term,     ///< the product rule without its second half
  scaled,           ///< a gradient with a relative error of 1e-3
  constant_offset,  ///< an error that sums to zero, which a plain sum as the loss would not detect
  zero,             ///< no gradient is added
  swapped_inputs,   ///< exchanges the gradients of a and b
  nan,              ///< one element is NaN
  infinite,
  overwrites,    ///< assigns where it should add
  wrong_stride,  ///< treats a slice's gradient as contiguous
  flat_value,    ///< treats a slice's value as contiguous, in the forward pass only
  outside,       ///< writes into the neighbours of a slice
  one_element,   ///< omits the last element, like a loop without its tail
};

/// y = a b + tanh(a), elementwise, both [rows, cols].
Var<double> operation(Var<double> a, Var<double> b, Mutant mutant) {
  Tape<double>& tape = a.tape();
  const auto x = a.value(), z = b.value();
  const auto y = tape.allocate(a.shape());
  const auto read = mutant == Mutant::flat_value ? TensorView<const double>(x.data(), x.shape()) : x;
  for (Index i = 0; i < y.rows(); ++i) {
    for (Index j = 0; j < y.cols(); ++j) y(i, j) = read(i, j) * z(i, j) + std::tanh(read(i, j));
  }
  return record(tape, {a, b}, y, [=](const Gradients<double>& g) {
    if (mutant == Mutant::zero) return;
    auto da = g(a);
    const auto db = g(b), dy = TensorView<double>(const_cast<double*>(g.output().data()), y.shape());
    if (mutant == Mutant::wrong_stride) da = TensorView<double>(da.data(), da.shape());
    for (Index i = 0; i < y.rows(); ++i) {
      for (Index j = 0; j < y.cols(); ++j) {
        const bool last = i + 1 == y.rows() && j + 1 == y.cols();
        if (mutant == Mutant::one_element && last) continue;
        const double t = std::tanh(x(i, j));
        double ga = dy(i, j) * z(i, j) + dy(i, j) * (1 - t * t), gb = dy(i, j) * x(i, j);
        if (mutant == Mutant::flipped_sign) gb = -gb;
        if (mutant == Mutant::dropped_term) ga = dy(i, j) * z(i, j);
        if (mutant == Mutant::scaled) ga *= 1.001;
        if (mutant == Mutant::constant_offset) ga += j % 2 == 0 ? 0.01 : -0.01;
        if (mutant == Mutant::swapped_inputs) std::swap(ga, gb);
        if (mutant == Mutant::nan && last) gb = std::numeric_limits<double>::quiet_NaN();
        if (mutant == Mutant::infinite && last) gb = std::numeric_limits<double>::infinity();
        if (mutant == Mutant::overwrites) {
          da(i, j) = ga;
        } else {
          da(i, j) += ga;
        }
        db(i, j) += gb;
        if (mutant == Mutant::outside) da.row(i)[-1] += 1;
      }
    }
  });
}

bool passes(Mutant mutant, bool strided) {
  const std::vector<Tensor<double>> inputs = {Tensor<double>::normal({3, 4}, Random(1)),
                                              Tensor<double>::normal({3, 4}, Random(2))};
  const auto result = testing::gradcheck([=](Tape<double>&, Vars x) { return operation(x[0], x[1], mutant); }, inputs,
                                         {.strided = strided});
  UNSCOPED_INFO(result.message());
  return static_cast<bool>(result);
}

TEST_CASE("gradcheck accepts the operation without a fault") {
  CHECK(passes(Mutant::none, false));
  CHECK(passes(Mutant::none, true));
}

TEST_CASE("gradcheck detects every fault") {
  for (const Mutant mutant :
       {Mutant::flipped_sign, Mutant::dropped_term, Mutant::scaled, Mutant::constant_offset, Mutant::zero,
        Mutant::swapped_inputs, Mutant::nan, Mutant::infinite, Mutant::overwrites, Mutant::one_element}) {
    INFO("mutant " << static_cast<int>(mutant));
    CHECK_FALSE(passes(mutant, false));
    CHECK_FALSE(passes(mutant, true));
  }
}

TEST_CASE("gradcheck with strided inputs detects faults that only affect slices") {
  CHECK(passes(Mutant::wrong_stride, false));
  CHECK_FALSE(passes(Mutant::wrong_stride, true));
  CHECK(passes(Mutant::flat_value, false));
  CHECK_FALSE(passes(Mutant::flat_value, true));
  CHECK_FALSE(passes(Mutant::outside, true));
}

TEST_CASE("gradcheck detects a wrong forward pass: NaN, and a jump in the value") {
  const std::vector<Tensor<double>> inputs = {Tensor<double>::normal({2, 3}, Random(1))};
  const auto with = [&](double (*f)(double)) {
    return static_cast<bool>(testing::gradcheck(
        [f](Tape<double>& tape, Vars x) {
          const auto in = x[0].value();
          const auto y = tape.allocate(x[0].shape());
          for (Index i = 0; i < y.size(); ++i) y[i] = f(in[i]);
          const Var<double> input = x[0];
          return record(tape, {input}, y, [=](const Gradients<double>& g) {
            for (Index i = 0; i < g.output().size(); ++i) g(input)[i] += g.output()[i];
          });
        },
        inputs));
  };
  CHECK(with([](double x) { return x; }));
  CHECK_FALSE(with([](double) { return std::numeric_limits<double>::quiet_NaN(); }));
  CHECK_FALSE(with([](double x) { return std::floor(x * 1e4) * 1e-4; }));
}

}  // namespace HEED_TEST_UNIT
