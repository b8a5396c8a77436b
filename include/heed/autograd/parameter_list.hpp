// SPDX-License-Identifier: Apache-2.0
// Lists of parameters with their paths: returned by modules; read by optimisers, checkpoints and gradient clipping.
#pragma once

#include <string>
#include <vector>

#include "heed/autograd/parameter.hpp"

namespace heed::inline HEED_ABI {

/// A parameter and its path, for example `encoder.weight_ih_l0`. Non-owning: valid until the parameter is moved or
/// destroyed.
template <class Scalar>
struct NamedParameter {
  std::string name;
  Parameter<Scalar>* parameter;
};

template <class Scalar>
using ParameterList = std::vector<NamedParameter<Scalar>>;

}  // namespace heed::inline HEED_ABI
