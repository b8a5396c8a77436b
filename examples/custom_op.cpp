// SPDX-License-Identifier: Apache-2.0
// An op of one's own: its value, its backward function, the check of its gradients, a layer that uses it, and training.
//
// The op lets events fade with their age: row t of x is multiplied by exp(-rate * ages[t]), where the rate is learned.
// docs/adding_an_op.md describes the interface.
#include <cmath>
#include <cstdio>
#include <heed/nn/init.hpp>
#include <heed/ops/mse_loss.hpp>
#include <heed/optim/adam.hpp>
#include <heed/testing/gradcheck.hpp>
#include <span>
#include <vector>

namespace {

/// x [rows, cols] with row t multiplied by exp(-rate * ages[t]). `rate` [1, 1], `ages` [rows].
template <class Scalar>
heed::Var<Scalar> fade(heed::Var<Scalar> x, heed::Var<Scalar> rate, std::span<const Scalar> ages) {
  if (std::ssize(ages) != x.rows() || rate.shape().size() != 1) {
    heed::fail<heed::ShapeError>("fade", "x ", x.shape(), ", ages [", ages.size(), "], rate ", rate.shape());
  }
  heed::Tape<Scalar>& tape = x.tape();
  const auto in = x.value();                       // a view of the input, no copy
  const auto out = tape.allocate(x.shape());       // the output, in the tape's memory, contiguous
  const auto factors = tape.allocate({x.rows()});  // the backward function uses them again
  const Scalar* kept_ages = tape.keep(ages);       // a copy that lives as long as the tape's values

  // The input may be a slice of a wider array, whose rows are not adjacent. Element (t, j) is therefore in(t, j); a
  // flat index such as in[t * cols + j] would read other columns.
  for (heed::Index t = 0; t < in.rows(); ++t) {
    factors[t] = std::exp(-rate.value()(0, 0) * kept_ages[t]);
    for (heed::Index j = 0; j < in.cols(); ++j) out(t, j) = factors[t] * in(t, j);
  }

  // The backward function gets dL/d(out) as g.output() and adds dL/dx to g(x), dL/d(rate) to g(rate): adds, as other
  // ops may use the same inputs. g(x) is empty where x needs no gradient. The function may capture handles, views of
  // the tape's memory and plain numbers, but no vectors or other owners.
  return heed::record(tape, {x, rate}, out, [=](const heed::Gradients<Scalar>& g) {
    const auto dy = g.output();
    if (const auto dx = g(x)) {
      for (heed::Index t = 0; t < dx.rows(); ++t) {
        for (heed::Index j = 0; j < dx.cols(); ++j) dx(t, j) += factors[t] * dy(t, j);
      }
    }
    if (const auto drate = g(rate)) {
      for (heed::Index t = 0; t < in.rows(); ++t) {
        for (heed::Index j = 0; j < in.cols(); ++j) drate(0, 0) -= kept_ages[t] * factors[t] * in(t, j) * dy(t, j);
      }
    }
  });
}

/// The op as a layer: `visit` lists its parameters, for initialize, optimisers and files.
struct Fade {
  using scalar_type = float;

  heed::Var<float> operator()(heed::Var<float> x, std::span<const float> ages) const {
    return fade<float>(x, x.tape().parameter(rate), ages);
  }
  void visit(auto&& visitor) { visitor("rate", rate); }
  void initialize(heed::Random) { heed::nn::init_constant(rate, 0); }

  heed::Parameter<float> rate{heed::Shape{1, 1}};
};

/// Compares the backward function with differences of the forward pass, in double precision. With `strided` the inputs
/// are slices of wider arrays.
bool gradients_are_right() {
  const std::vector<double> ages{0, 1, 2, 5};
  const std::vector<heed::Tensor<double>> inputs{heed::Tensor<double>::normal({4, 3}, heed::Random(1)),
                                                 heed::Tensor<double>::full({1, 1}, 0.3)};
  for (const bool strided : {false, true}) {
    const auto check = heed::testing::gradcheck([&](auto&, auto x) { return fade<double>(x[0], x[1], ages); }, inputs,
                                                {.strided = strided});
    std::printf("%s inputs: %s\n", strided ? "strided" : "contiguous", check ? "gradients agree" : "gradients differ");
    if (!check) {
      std::printf("%s\n", check.message().c_str());
      return false;
    }
  }
  return true;
}

}  // namespace

int main() {
  if (!gradients_are_right()) return 1;

  // Training recovers the rate with which the targets were made.
  constexpr float true_rate = 0.25f;
  const std::vector<float> ages{0, 1, 2, 3, 4, 5, 6, 7};
  const auto x = heed::Tensor<float>::normal({8, 4}, heed::Random(2));
  heed::Tensor<float> targets({8, 4});
  for (heed::Index t = 0; t < 8; ++t) {
    for (heed::Index j = 0; j < 4; ++j) targets(t, j) = std::exp(-true_rate * static_cast<float>(t)) * x(t, j);
  }
  Fade layer;
  heed::nn::initialize(layer, heed::Random(3));
  heed::optim::Adam adam(heed::nn::parameters(layer), {.learning_rate = 0.02f});
  heed::Tape tape;
  for (int step = 1; step <= 200; ++step) {
    tape.clear();
    heed::backward(heed::mse_loss(layer(tape.constant(x), ages), tape.constant(targets)));
    adam.step();
    if (step % 50 == 0) std::printf("step %3d  rate %.3f\n", step, static_cast<double>(layer.rate.value()(0, 0)));
  }
  return std::abs(layer.rate.value()(0, 0) - true_rate) < 0.01f ? 0 : 1;
}
