// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of recurrent kernels: ragged sequences and their rows in time-major order.
#pragma once

#include <cstring>

#include "heed/kernels/time_major.hpp"
#include "kernels/every_isa.hpp"

namespace heed::test {

template <class Scalar>
struct TimeMajorCase {
  bool reverse;
  Segments segments;
  std::vector<Index> source, first;

  TimeMajorCase(const std::vector<Index>& lengths, bool backwards)
      : reverse(backwards), segments(std::span<const Index>(lengths)) {}

  kernels::TimeMajor order() {
    source.assign(static_cast<std::size_t>(segments.tokens()), -1);
    kernels::TimeMajor out{.segments = segments.view(), .reverse = reverse};
    first.assign(static_cast<std::size_t>(out.groups() + 1), -1);
    out.source = source.data();
    out.first = first.data();
    out.arrange();
    return out;
  }
  Tensor<Scalar> time_major(const Tensor<Scalar>& packed) const {
    Tensor<Scalar> out(packed.shape());
    for (Index i = 0; i < out.rows(); ++i) {
      std::copy_n(packed.view().row(source[static_cast<std::size_t>(i)]), out.cols(), out.view().row(i));
    }
    return out;
  }
  Tensor<Scalar> packed(const Tensor<Scalar>& time_major) const {
    Tensor<Scalar> out(time_major.shape());
    for (Index i = 0; i < out.rows(); ++i) {
      std::copy_n(time_major.view().row(i), out.cols(), out.view().row(source[static_cast<std::size_t>(i)]));
    }
    return out;
  }
};

/// Checks that the bias gradients of the groups sum to those over all tokens, to `allowed`.
template <class Scalar>
void check_bias_sums(const Tensor<Scalar>& of_groups, const Tensor<double>& of_tokens, double allowed) {
  Tensor<double> sums({1, of_groups.cols()}), want({1, of_groups.cols()});
  for (Index j = 0; j < of_groups.cols(); ++j) {
    for (Index i = 0; i < of_groups.rows(); ++i) sums(0, j) += static_cast<double>(of_groups(i, j));
    for (Index i = 0; i < of_tokens.rows(); ++i) want(0, j) += of_tokens(i, j);
  }
  check_close(sums, want, allowed);
}

/// Returns lengths 0 .. 4 for `count` sequences; 67 make three groups.
inline std::vector<Index> many_lengths(Index count) {
  std::vector<Index> out;
  for (Index i = 0; i < count; ++i) out.push_back((i * 7) % 5);
  return out;
}

/// Arrays of a layer: its inputs and the outputs that `run` computes.
template <class Case, class Scalar>
struct Arrays {
  std::vector<Tensor<Scalar> Case::*> inputs, outputs;
};

/// Checks that a sequence alone has the same bits as among others. `make(lengths)` returns the layer; `tokens` have one
/// row per token, `states` one per sequence.
template <class Case, class Scalar, class Make>
void check_alone(const Make& make, const Arrays<Case, Scalar>& tokens, const Arrays<Case, Scalar>& states) {
  const std::vector<Index> lengths = many_lengths(40);
  Case whole = make(lengths);
  whole.run();
  for (const Index s : {0, 1, 17, 39}) {
    INFO("sequence " << s);
    Case alone = make(std::vector<Index>{lengths[static_cast<std::size_t>(s)]});
    const Index begin = whole.segments.begin(s), end = whole.segments.end(s);
    for (const auto x : tokens.inputs) alone.*x = Tensor<Scalar>((whole.*x).view().rows(begin, end));
    for (const auto x : states.inputs) alone.*x = Tensor<Scalar>((whole.*x).view().rows(s, s + 1));
    alone.run();
    const auto same = [&](Tensor<Scalar> Case::*x, Index from) {
      const auto bytes = static_cast<std::size_t>((alone.*x).size()) * sizeof(Scalar);
      return bytes == 0 || std::memcmp((alone.*x).data(), (whole.*x).view().row(from), bytes) == 0;
    };
    for (const auto x : tokens.outputs) CHECK(same(x, begin));
    for (const auto x : states.outputs) CHECK(same(x, s));
  }
}

}  // namespace heed::test
