// SPDX-License-Identifier: Apache-2.0
#include "heed/autograd/parameter_list.hpp"

#include <catch2/catch.hpp>

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("a parameter list refers to parameters, it does not copy them") {
  Parameter<float> weight({2, 3}), bias({2});
  const ParameterList<float> list = {{"head.weight", &weight}, {"head.bias", &bias}};
  list[1].parameter->value()(0) = 5.0f;
  CHECK(bias.value()(0) == 5.0f);
  CHECK(list[0].name == "head.weight");
}

}  // namespace HEED_TEST_UNIT
