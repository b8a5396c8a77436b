// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/sgd.hpp"

#include "heed/kernels/reference/sgd.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("gradient descent matches the reference, step by step") {
  struct Form {
    double momentum;
    bool nesterov;
  };
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Form form : {Form{0, false}, Form{0.9, false}, Form{0.9, true}}) {
      for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
        INFO("momentum " << form.momentum << (form.nesterov ? ", nesterov, of " : " of ") << size);
        Tensor<Scalar> p = test::normal_as<Scalar>({size}, "p"), buffer({size});
        Tensor<double> want = test::to_double(p), want_buffer({size});
        for (int t = 1; t <= 5; ++t) {
          Tensor<Scalar> g = test::normal_as<Scalar>({size}, "g" + std::to_string(t));
          Tensor<double> want_g = test::to_double(g);
          kernels::sgd<Scalar, Isa>(Scalar(0.05), static_cast<Scalar>(form.momentum), form.nesterov, Scalar(0.1), size,
                                    p.data(), g.data(), form.momentum > 0 ? buffer.data() : nullptr);
          // The constants of the step are rounded to Scalar, as in the kernel.
          kernels::reference::sgd(
              static_cast<double>(Scalar(0.05)), static_cast<double>(static_cast<Scalar>(form.momentum)), form.nesterov,
              static_cast<double>(Scalar(0.1)), size, want.data(), want_g.data(), want_buffer.data());
          for (Index i = 0; i < size; ++i) CHECK(g.data()[i] == Scalar(0));
        }
        test::check_close(p, want, test::tolerance<Scalar>());
        if (form.momentum > 0) test::check_close(buffer, want_buffer, test::tolerance<Scalar>());
      }
    }
  });
}

}  // namespace HEED_TEST_UNIT
