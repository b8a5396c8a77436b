// SPDX-License-Identifier: Apache-2.0
// Shared by the samples of recurrent layers.
#pragma once

#include "heed/core/segments.hpp"
#include "ops/samples.hpp"

namespace heed::test {

/// 67 sequences of 0 to 3 steps, which the kernels divide into three groups.
inline Segments three_groups() {
  std::vector<Index> lengths;
  for (Index i = 0; i < 67; ++i) lengths.push_back((i * 7) % 4);
  return Segments(std::span<const Index>(lengths));
}

/// `call(x)` is the layer over two sequences of 2 and 1 steps, without an initial state. x is the input, weight_ih,
/// weight_hh and 0, 1 or 2 biases, in order. A weight has `gates` times the hidden size as rows.
template <class F>
std::vector<BadCall> recurrent_refusals(const std::string& name, Index gates, F call) {
  const Index rows = 2 * gates;
  const Shape x{3, 2}, w{rows, 2}, uneven{rows - 2, 2}, flat{rows}, wide{rows, 3};
  const std::string hidden = ", wanted [" + std::to_string(gates) + " hidden, input]";
  return {bad_call("weight_ih rows", {x, uneven, w}, call, name + ": weight_ih is " + to_string(uneven) + hidden),
          bad_call("weight_ih rank", {x, flat, w}, call, name + ": weight_ih is " + to_string(flat) + hidden),
          bad_call("features", {{3, 5}, w, w}, call, name + ": input is [3, 5], wanted [3 tokens, 2 features]"),
          bad_call("tokens", {{4, 2}, w, w}, call, name + ": input is [4, 2], wanted [3 tokens, 2 features]"),
          bad_call("input rank", {{3, 1, 2}, w, w}, call, name + ": input is [3, 1, 2], wanted [3 tokens"),
          bad_call("weight_hh", {x, w, wide}, call,
                   name + ": weight_hh is " + to_string(wide) + ", wanted " + to_string(w)),
          bad_call("biases", {x, w, w, flat, {4}}, call, name + ": bias_hh is [4], wanted " + to_string(flat)),
          bad_call("one bias", {x, w, w, flat}, call, name + ": bias_ih and bias_hh must be given together")};
}

/// Checks that `call(x)` throws, and records nothing, if one of the inputs of these shapes is on another tape.
template <class F>
std::vector<BadCall> other_tape_refusals(const std::string& name, const std::vector<Shape>& shapes, F call) {
  std::vector<BadCall> out;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    out.push_back({"input " + std::to_string(i) + " of another tape",
                   [=] {
                     Tape<float> one, other;
                     std::vector<Var<float>> x;
                     for (const Shape& shape : shapes) {
                       x.push_back((x.size() == i ? other : one).constant(Tensor<float>(shape)));
                     }
                     const std::size_t before = one.size();
                     try {
                       call(std::span<const Var<float>>(x));
                     } catch (const StateError&) {
                       CHECK(one.size() == before);
                       throw;
                     }
                   },
                   name + ": inputs on different tapes"});
  }
  return out;
}

}  // namespace heed::test
