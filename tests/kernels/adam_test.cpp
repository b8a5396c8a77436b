// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/adam.hpp"

#include "heed/kernels/reference/adam.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("Adam and AdamW match the reference, step by step") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const bool decoupled : {false, true}) {
      for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
        INFO((decoupled ? "AdamW of " : "Adam of ") << size);
        Tensor<Scalar> p = test::normal_as<Scalar>({size}, "p"), m({size}), v({size});
        Tensor<double> want = test::to_double(p), want_m({size}), want_v({size});
        for (int t = 1; t <= 5; ++t) {
          Tensor<Scalar> g = test::normal_as<Scalar>({size}, "g" + std::to_string(t));
          Tensor<double> want_g = test::to_double(g);
          kernels::adam<Scalar, Isa>(kernels::AdamStep<Scalar>(0.05, 0.8, 0.95, 1e-6, 0.1, decoupled, t), size,
                                     p.data(), g.data(), m.data(), v.data());
          kernels::reference::adam(0.05, 0.8, 0.95, 1e-6, 0.1, decoupled, t, size, want.data(), want_g.data(),
                                   want_m.data(), want_v.data());
          for (Index i = 0; i < size; ++i) CHECK(g.data()[i] == Scalar(0));
        }
        test::check_close(p, want, test::tolerance<Scalar>(5e-6, 1e-13));
        test::check_close(m, want_m, test::tolerance<Scalar>());
        test::check_close(v, want_v, test::tolerance<Scalar>());
      }
    }
  });
}

}  // namespace HEED_TEST_UNIT
