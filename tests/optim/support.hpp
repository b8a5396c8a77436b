// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of optimisers.
#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "heed/autograd/parameter_list.hpp"
#include "heed/core/error.hpp"
#include "support/error_of.hpp"

namespace heed::test {

/// A table whose row 2 stays zero, a weight and a bias, with fixed values.
struct Model {
  Parameter<float> table, weight{{3, 4}}, bias{Shape{3}};

  explicit Model(Index rows = 6) : table({rows, 5}, 2) {
    std::uint64_t i = 0;
    for (const auto& named : list()) {
      named.parameter->value() = Tensor<float>::normal(named.parameter->shape(), Random(1).fork(i++));
      named.parameter->restore_zero_row();
    }
  }
  ParameterList<float> list() { return {{"table", &table}, {"head.weight", &weight}, {"head.bias", &bias}}; }
  /// The row that stays zero receives a gradient too, as from a tied output layer.
  void fill_gradients(std::uint64_t step) {
    std::uint64_t i = 0;
    for (const auto& named : list()) {
      const Random random = Random(2).fork(step).fork(i++);
      for (Index j = 0; j < named.parameter->size(); ++j) {
        named.parameter->gradient().data()[j] = static_cast<float>(random.normal(static_cast<std::uint64_t>(j)));
      }
    }
  }
};

/// Checks that the elements of a parameter that is updated in several chunks are updated as in parameters of one chunk.
/// `make(list)` returns an optimiser.
template <class Make>
void check_chunks(const Make& make) {
  constexpr Index size = 12000;
  Parameter<float> whole(Shape{3 * size}), a(Shape{size}), b(Shape{size}), c(Shape{size});
  const auto one = make(ParameterList<float>{{"whole", &whole}});
  const auto three = make(ParameterList<float>{{"a", &a}, {"b", &b}, {"c", &c}});
  for (std::uint64_t step = 0; step < 3; ++step) {
    whole.gradient() = Tensor<float>::normal({3 * size}, Random(step));
    Index begin = 0;
    for (const auto* part : {&a, &b, &c}) {
      part->gradient().vector() = whole.gradient().vector().segment(begin, size);
      begin += size;
    }
    one->step();
    three->step();
  }
  Index begin = 0;
  for (const auto* part : {&a, &b, &c}) {
    CHECK(part->value().vector() == whole.value().vector().segment(begin, size));
    CHECK((part->value().array() != 0.0f).any());
    begin += size;
  }
}

}  // namespace heed::test
