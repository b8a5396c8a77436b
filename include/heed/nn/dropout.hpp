// SPDX-License-Identifier: Apache-2.0
// Dropout as a layer.
#pragma once

#include "heed/nn/module.hpp"
#include "heed/ops/dropout.hpp"

namespace heed::inline HEED_ABI::nn {

struct DropoutOptions {
  double p = 0.5;  ///< probability of an element to be zeroed

  void fields(auto&& visitor) { visitor("p", p); }
};

/// Inverted dropout: while the tape is training, zeroes elements with probability p and divides the others by 1 - p.
template <class Scalar = float>
class Dropout {
 public:
  using scalar_type = Scalar;

  explicit Dropout(const DropoutOptions& options = {}) : p_(options.p) { check_probability("Dropout", "p", p_); }
  Var<Scalar> operator()(Var<Scalar> x) const { return dropout(x, p_); }
  void visit(auto&&) {}

 private:
  double p_;
};
Dropout(const DropoutOptions&) -> Dropout<float>;

}  // namespace heed::inline HEED_ABI::nn
