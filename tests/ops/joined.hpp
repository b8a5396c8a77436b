// SPDX-License-Identifier: Apache-2.0
// Joins all results of an operation into one value, so that one sample checks them and their gradients.
#pragma once

#include <array>

#include "heed/autograd/tape.hpp"

namespace heed::test {

/// Returns the elements of all parts, concatenated.
template <class Scalar, class... Rest>
Var<Scalar> joined(Var<Scalar> first, Rest... rest) {
  Tape<Scalar>& tape = first.tape();
  const std::array<Var<Scalar>, 1 + sizeof...(Rest)> parts{first, rest...};
  Index size = 0;
  for (const auto& part : parts) size += part.shape().size();
  const auto y = tape.allocate({size});
  Scalar* to = y.data();
  for (const auto& part : parts) {
    const auto value = part.value();
    for (Index i = 0; i < value.rows(); ++i) to = std::copy_n(value.row(i), value.cols(), to);
  }
  return tape.record(parts, y, [parts](const Gradients<Scalar>& g) {
    const Scalar* from = g.output().data();
    for (const auto& part : parts) {
      const Index count = part.shape().size();
      if (const auto d = g(part)) {
        for (Index i = 0; i < count; ++i) d.row(i / d.cols())[i % d.cols()] += from[i];
      }
      from += count;
    }
  });
}

/// The same for references.
inline Tensor<double> joined(std::initializer_list<Tensor<double>> parts) {
  Index size = 0;
  for (const auto& part : parts) size += part.size();
  Tensor<double> out({size});
  double* to = out.data();
  for (const auto& part : parts) to = std::copy_n(part.data(), part.size(), to);
  return out;
}

}  // namespace heed::test
