// SPDX-License-Identifier: Apache-2.0
// Compares operations with the fixtures that PyTorch wrote.
#pragma once

#include <string>

#include "heed/autograd/tape.hpp"
#include "parity/fixture.hpp"

namespace heed::test {

inline Tensor<double> tensor_of(const parity::Fixture& fixture, const std::string& name) {
  const parity::FixtureTensor found = fixture.tensor(name);
  Shape shape;
  for (const Index size : found.shape) shape.push_back(size);
  Tensor<double> out(shape);
  std::copy(found.values.begin(), found.values.end(), out.data());
  return out;
}

/// Whether a contiguous array is the fixture's, as parity asks of double.
inline bool agrees(TensorView<const double> got, const parity::Fixture& fixture, const std::string& name) {
  const std::span<const double> values(got.data(), static_cast<std::size_t>(got.size()));
  return parity::relative_error(values, fixture.tensor(name).values) <= 1e-10;
}

/// Backward from <y, cotangent>.
inline void backward_from(Var<double> y, const Tensor<double>& cotangent) {
  Tape<double>& tape = y.tape();
  const double* c = tape.keep(std::span<const double>(cotangent.data(), static_cast<std::size_t>(cotangent.size())));
  const auto loss = tape.allocate({});
  loss[0] = 0;
  backward(record(tape, {y}, loss, [=](const Gradients<double>& g) {
    const auto dy = g(y);
    for (Index i = 0; i < dy.size(); ++i) dy[i] += c[i];
  }));
}

}  // namespace heed::test
