// SPDX-License-Identifier: Apache-2.0
// Applies steps of Adam that an array missed, with gradients of zero.
#pragma once

#include <algorithm>
#include <limits>
#include <span>

#include "heed/kernels/adam.hpp"

namespace heed::inline HEED_ABI::kernels {

namespace detail {

/// Returns true if no later step changes p: without decay m only shrinks towards 0, and a step below half a unit in the
/// last place of p rounds away. `ceiling` is above all later rates, `floor` below sqrt(beta2^n) of the n later steps.
template <class P, class Scalar>
[[gnu::always_inline]] inline bool adam_settled(Scalar epsilon, Scalar ceiling, Scalar floor, P p, P m, P v) {
  const P zero(Scalar(0)), least(std::numeric_limits<Scalar>::min() / std::numeric_limits<Scalar>::epsilon());
  const P reached = sqrt(v) * P(floor);  // lower bound after the last step; denormal numbers shrink irregularly
  const P root = select(reached * reached > least, reached, zero) + P(epsilon);
  const P step = P(ceiling) * (abs(m) / root), lost = P(std::numeric_limits<Scalar>::epsilon() / 8) * abs(p);
  return reduce_max(select((step < lost) | (step == lost), zero, P(Scalar(1)))) == Scalar(0);
}

/// Processes `packs` registers together, so that their dependency chains overlap; the last one has `n` elements.
template <int packs, class P, class Scalar>
void adam_replay(std::span<const AdamStep<Scalar>> steps, Scalar ceiling, Index n, Scalar* value, Scalar* first,
                 Scalar* second) noexcept {
  constexpr Index check_every = 16;
  P p[packs], m[packs], v[packs];
  const auto for_each = [&](const auto& body) {
    for (Index i = 0; i < packs; ++i) body(i, i + 1 < packs ? P::width : n);
  };
  for_each([&](Index i, Index count) {
    p[i] = simd::load<P>(value + i * P::width, count);
    m[i] = simd::load<P>(first + i * P::width, count);
    v[i] = simd::load<P>(second + i * P::width, count);
  });
  const Index size = std::ssize(steps);
  const AdamStep<Scalar> any = steps[0];
  const bool may_settle = any.decay == 0 && any.epsilon > 0 && ceiling > 0;
  bool settled = false;
  Index at = 0;
  while (at < size && !settled) {
    if (may_settle) {
      const Scalar floor = std::pow(any.beta2, static_cast<Scalar>(size - at) / 2) / 2;
      settled = true;
      for_each(
          [&](Index i, Index) { settled = settled && adam_settled(any.epsilon, ceiling, floor, p[i], m[i], v[i]); });
      if (settled) break;
    }
    for (const Index end = std::min(at + check_every, size); at < end; ++at) {
      const AdamStep<Scalar> step = steps[static_cast<std::size_t>(at)];
      for_each([&](Index i, Index) { adam_step(step, P(Scalar(0)), p[i], m[i], v[i]); });
    }
  }
  for (; at < size; ++at) {  // v + 0 and 0 - m, the arithmetic of adam_step
    for_each([&](Index i, Index) {
      m[i] = fma(P(any.new_first), P(Scalar(0)) - m[i], m[i]);
      v[i] = P(any.beta2) * v[i];
    });
  }
  for_each([&](Index i, Index count) {
    simd::store(p[i], value + i * P::width, count);
    simd::store(m[i], first + i * P::width, count);
    simd::store(v[i], second + i * P::width, count);
  });
}

}  // namespace detail

/// Applies `adam` with each of `steps` in turn and gradients of zero, bit for bit, in one pass over memory. The betas,
/// the decay and epsilon are the same in all steps; `keep` is 1 in all steps or `ceiling` is 0. A `ceiling` > 0 is
/// above the rates of all steps; the updates of values that no longer change are then skipped.
template <class Scalar, class Isa = simd::NativeIsa>
void adam_replay(std::span<const AdamStep<Scalar>> steps, Scalar ceiling, Index size, Scalar* value, Scalar* first,
                 Scalar* second) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  if (steps.empty()) return;
  constexpr Index packs = 4, block = packs * P::width;
  Index i = 0;
  for (; i + block <= size; i += block) {
    detail::adam_replay<packs, P>(steps, ceiling, P::width, value + i, first + i, second + i);
  }
  simd::for_each_pack<P>(size - i, [&](Index j, Index n) {
    detail::adam_replay<1, P>(steps, ceiling, n, value + i + j, first + i + j, second + i + j);
  });
}

}  // namespace heed::inline HEED_ABI::kernels
