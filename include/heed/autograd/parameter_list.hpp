// SPDX-License-Identifier: Apache-2.0
// Parameters under their paths: what a module lists, and what optimisers, checkpoints and norms take.
#pragma once

#include <string>
#include <vector>

#include "heed/autograd/parameter.hpp"

namespace heed::inline HEED_ABI {

/// A parameter and its path, for example `encoder.weight_ih_l0`. Does not own; valid while the parameter stays where
/// it is.
template <class Scalar>
struct NamedParameter {
  std::string name;
  Parameter<Scalar>* parameter;
};

template <class Scalar>
using ParameterList = std::vector<NamedParameter<Scalar>>;

}  // namespace heed::inline HEED_ABI
