// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/pointer_mass.hpp"

#include "heed/kernels/reference/pointer_mass.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

template <class Scalar>
void check_against_reference() {
  const std::vector<Index> items = {4, 2, 4, 7, 2, 4, 0}, targets = {4, 2, 9, 0, 4};
  for (std::size_t keys = 0; keys <= items.size(); ++keys) {
    const Index n = static_cast<Index>(keys), m = static_cast<Index>(targets.size());
    INFO(keys << " keys");
    const auto weights = test::normal_as<Scalar>({n}, "weights");
    const auto wide = test::to_double(weights);
    Tensor<Scalar> mass = Tensor<Scalar>::full({m}, std::numeric_limits<Scalar>::quiet_NaN());
    kernels::pointer_mass_forward<Scalar>(n, weights.data(), items.data(), m, targets.data(), mass.data());
    Tensor<double> expected({m});
    for (Index t = 0; t < m; ++t) {
      expected.data()[t] = kernels::reference::pointer_mass({wide.data(), keys}, {items.data(), keys},
                                                            targets[static_cast<std::size_t>(t)]);
    }
    test::check_close(mass, expected, test::tolerance<Scalar>());

    // The mass is linear in the weights: its gradient is the mass of the targets on each key.
    const auto d_mass = test::normal_as<Scalar>({m}, "d_mass");
    const auto wide_d = test::to_double(d_mass);
    Tensor<Scalar> d_weights = Tensor<Scalar>::ones({n});
    kernels::pointer_mass_backward<Scalar>(n, items.data(), m, targets.data(), d_mass.data(), d_weights.data());
    auto want = Tensor<double>::ones({n});
    for (std::size_t j = 0; j < keys; ++j) {
      want.data()[j] += kernels::reference::pointer_mass({wide_d.data(), targets.size()}, targets, items[j]);
    }
    test::check_close(d_weights, want, test::tolerance<Scalar>());
  }
}

TEST_CASE("pointer mass and its gradient match the reference") {
  check_against_reference<float>();
  check_against_reference<double>();
}

TEST_CASE("pointer mass without targets writes nothing") {
  const Index item = 3;
  const double weight = 1;
  double mass = 7, d_weight = 5;
  kernels::pointer_mass_forward<double>(1, &weight, &item, 0, nullptr, &mass);
  kernels::pointer_mass_backward<double>(1, &item, 0, nullptr, nullptr, &d_weight);
  CHECK(mass == 7);
  CHECK(d_weight == 5);
}

}  // namespace HEED_TEST_UNIT
