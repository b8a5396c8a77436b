// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/adam_replay.hpp"

#include "kernels/every_isa.hpp"
#include "support/same_bits.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using test::same_bits;

struct Decay {
  double amount;
  bool decoupled;
};

/// Steps from number `from` on, with a varying learning rate.
template <class Scalar>
std::vector<kernels::AdamStep<Scalar>> steps_of(Index from, Index count, double rate, Decay decay, double beta1 = 0.9,
                                                double beta2 = 0.999) {
  std::vector<kernels::AdamStep<Scalar>> out;
  for (Index t = from; t < from + count; ++t) {
    out.emplace_back(rate * (1 + 0.5 * std::sin(static_cast<double>(t))), beta1, beta2, 1e-8, decay.amount,
                     decay.decoupled, static_cast<double>(t));
  }
  return out;
}

/// Compares a replay of `steps` with the steps one by one.
template <class Scalar, class Isa>
void check(const std::vector<kernels::AdamStep<Scalar>>& steps, bool may_settle, Tensor<Scalar> p, Tensor<Scalar> m,
           Tensor<Scalar> v) {
  Tensor<Scalar> want = p, want_m = m, want_v = v, zero({p.size()});
  Scalar ceiling = 0;
  for (const auto& step : steps) {
    kernels::adam<Scalar, Isa>(step, p.size(), want.data(), zero.data(), want_m.data(), want_v.data());
    if (may_settle) ceiling = std::max(ceiling, step.rate);
  }
  kernels::adam_replay<Scalar, Isa>(steps, ceiling, p.size(), p.data(), m.data(), v.data());
  CHECK(same_bits(p, want));
  CHECK(same_bits(m, want_m));
  CHECK(same_bits(v, want_v));
}

/// `scale` is that of past gradients; 0: a row that never had one.
template <class Scalar, class Isa>
void check_size(const std::vector<kernels::AdamStep<Scalar>>& steps, bool may_settle, Index size, double scale) {
  Tensor<Scalar> m = test::normal_as<Scalar>({size}, "m", static_cast<Scalar>(scale)), v({size});
  for (Index i = 0; i < size; ++i) v.data()[i] = m.data()[i] * m.data()[i] * static_cast<Scalar>(i % 3 + 1);
  check<Scalar, Isa>(steps, may_settle, test::normal_as<Scalar>({size}, "p", Scalar(0.1)), m, v);
}

TEST_CASE("a replay of Adam's steps has the same bits as the steps") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    auto sizes = test::sizes_around_width<Scalar, Isa>();
    sizes.push_back(5 * simd::Pack<Scalar, Isa>::width + 1);
    for (const Decay decay : {Decay{0, false}, Decay{0.01, false}, Decay{0.01, true}}) {
      for (const Index count : {0, 1, 15, 16, 17, 120}) {
        for (const Index size : sizes) {
          INFO(count << " steps of " << size << ", decay " << decay.amount << " " << decay.decoupled);
          const auto steps = steps_of<Scalar>(3, count, 1e-3, decay);
          check_size<Scalar, Isa>(steps, decay.amount == 0, size, 1e-3);
          check_size<Scalar, Isa>(steps, decay.amount == 0, size, 0);
        }
      }
    }
  });
}

TEST_CASE("a replay that skips updates without effect has the same bits") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const Index size = 6 * simd::Pack<Scalar, Isa>::width;
    for (const double beta2 : {0.999, 0.9, 0.5}) {
      for (const double scale : {1e-3, 1e2, 1e-9, 1e-19, 1e-30}) {
        for (const double rate : {1e-3, 1.0, 0.0}) {
          INFO("beta2 " << beta2 << ", gradients of " << scale << ", rate " << rate);
          check_size<Scalar, Isa>(steps_of<Scalar>(1, 1500, rate, {0, false}, 0.9, beta2), true, size, scale);
        }
      }
    }
  });
}

}  // namespace HEED_TEST_UNIT
