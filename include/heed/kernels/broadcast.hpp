// SPDX-License-Identifier: Apache-2.0
// + - * / of two contiguous arrays, with sizes of 1 repeated as in numpy.
#pragma once

#include <algorithm>

#include "heed/core/view.hpp"
#include "heed/simd/pack.hpp"

namespace heed::inline HEED_ABI::kernels {

enum class Arithmetic { add, subtract, multiply, divide };

/// Two operands mapped to one contiguous output; a stride of 0 repeats. Adjacent dimensions that are contiguous in both
/// operands are merged, so equal shapes have one dimension, and a row vector with a matrix two.
struct Broadcast {
  int rank = 0;  ///< at least 2
  Index sizes[Shape::max_rank] = {};
  Index strides[2][Shape::max_rank] = {};  ///< of a and b; the last is 0 or 1

  Index inner() const { return sizes[rank - 1]; }
  Index size() const {
    Index n = 1;
    for (int d = 0; d < rank; ++d) n *= sizes[d];
    return n;
  }
  /// Returns true if an element of this operand (0 or 1) is used more than once.
  bool repeats(int operand) const {
    for (int d = 0; d < rank; ++d) {
      if (sizes[d] > 1 && strides[operand][d] == 0) return true;
    }
    return false;
  }
  /// Returns the offset in an operand of row `row` of the output (all dimensions but the last flattened).
  Index offset(int operand, Index row) const {
    Index at = 0;
    for (int d = rank - 2; d >= 0; --d) {
      at += row % sizes[d] * strides[operand][d];
      row /= sizes[d];
    }
    return at;
  }
};

/// Returns the plan for contiguous operands of these shapes; `out` is their broadcast shape.
inline Broadcast make_broadcast(const Shape& out, const Shape& a, const Shape& b) noexcept {
  const Shape* shapes[2] = {&a, &b};
  Broadcast plan;
  // Built from the last dimension outwards, then reversed.
  Index dense[2] = {1, 1};  // the product of an operand's sizes so far
  for (int back = 1; back <= out.rank(); ++back) {
    const Index size = out[-back];
    Index stride[2];
    for (int o = 0; o < 2; ++o) {
      const Index own = back <= shapes[o]->rank() ? (*shapes[o])[-back] : 1;
      stride[o] = own == 1 ? 0 : dense[o];
      dense[o] *= own;
    }
    if (size == 1) continue;
    const int last = plan.rank - 1;
    const auto follows = [&](int o) { return stride[o] == plan.strides[o][last] * plan.sizes[last]; };
    if (last >= 0 && follows(0) && follows(1)) {
      plan.sizes[last] *= size;
      continue;
    }
    plan.sizes[plan.rank] = size;
    for (int o = 0; o < 2; ++o) plan.strides[o][plan.rank] = stride[o];
    ++plan.rank;
  }
  while (plan.rank < 2) plan.sizes[plan.rank++] = 1;
  for (Index* values : {plan.sizes, plan.strides[0], plan.strides[1]}) std::reverse(values, values + plan.rank);
  return plan;
}

namespace detail {

/// Loads n elements of an operand, or repeats one.
template <class P, class Scalar>
[[gnu::always_inline]] inline P load_or_repeat(const Scalar* p, Index stride, Index i, Index n) {
  return stride == 0 ? P(*p) : simd::load<P>(p + i, n);
}

/// Calls `part(row, from, count)` for the parts of rows that cover elements [begin, end) of the output.
template <class Part>
void for_row_parts(const Broadcast& plan, Index begin, Index end, const Part& part) {
  const Index inner = plan.inner();
  while (begin < end) {
    const Index row = begin / inner, from = begin - row * inner;
    const Index count = inner - from < end - begin ? inner - from : end - begin;
    part(row, from, count);
    begin += count;
  }
}

/// Calls `f(body)` with the operation on registers.
template <class P, class F>
void with_arithmetic(Arithmetic kind, const F& f) {
  switch (kind) {
    case Arithmetic::add:
      return f([](P a, P b) { return a + b; });
    case Arithmetic::subtract:
      return f([](P a, P b) { return a - b; });
    case Arithmetic::multiply:
      return f([](P a, P b) { return a * b; });
    case Arithmetic::divide:
      return f([](P a, P b) { return a / b; });
  }
}

/// Calls `f(term)` with dL/d(operand) = term(dL/dy, a, b) on registers.
template <class P, class F>
void with_derivative(Arithmetic kind, int operand, const F& f) {
  switch (kind) {
    case Arithmetic::add:
      return f([](P dy, P, P) { return dy; });
    case Arithmetic::subtract:
      return operand == 0 ? f([](P dy, P, P) { return dy; }) : f([](P dy, P, P) { return -dy; });
    case Arithmetic::multiply:
      return operand == 0 ? f([](P dy, P, P b) { return dy * b; }) : f([](P dy, P a, P) { return dy * a; });
    case Arithmetic::divide:
      return operand == 0 ? f([](P dy, P, P b) { return dy / b; })
                          : f([](P dy, P a, P b) { return -(dy / b) * (a / b); });
  }
}

}  // namespace detail

/// Computes elements [begin, end) of y = a (kind) b.
template <class Scalar, class Isa = simd::NativeIsa>
void broadcast_forward(Arithmetic kind, const Broadcast& plan, Index begin, Index end, const Scalar* a, const Scalar* b,
                       Scalar* y) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index sa = plan.strides[0][plan.rank - 1], sb = plan.strides[1][plan.rank - 1];
  detail::with_arithmetic<P>(kind, [&](auto operation) {
    detail::for_row_parts(plan, begin, end, [&](Index row, Index from, Index count) {
      const Scalar* pa = a + plan.offset(0, row) + from * sa;
      const Scalar* pb = b + plan.offset(1, row) + from * sb;
      Scalar* py = y + row * plan.inner() + from;
      simd::for_each_pack<P>(count, [&](Index i, Index n) {
        const P x = detail::load_or_repeat<P>(pa, sa, i, n), z = detail::load_or_repeat<P>(pb, sb, i, n);
        simd::store(operation(x, z), py + i, n);
      });
    });
  });
}

/// Adds elements [begin, end) of the gradient of an operand (0: a, 1: b) that is not repeated to `d`.
template <class Scalar, class Isa = simd::NativeIsa>
void broadcast_backward(Arithmetic kind, int operand, const Broadcast& plan, Index begin, Index end, const Scalar* a,
                        const Scalar* b, const Scalar* dy, Scalar* d) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  const Index sa = plan.strides[0][plan.rank - 1], sb = plan.strides[1][plan.rank - 1];
  detail::with_derivative<P>(kind, operand, [&](auto term) {
    detail::for_row_parts(plan, begin, end, [&](Index row, Index from, Index count) {
      const Scalar* pa = a + plan.offset(0, row) + from * sa;
      const Scalar* pb = b + plan.offset(1, row) + from * sb;
      const Scalar* pdy = dy + row * plan.inner() + from;
      Scalar* pd = d + plan.offset(operand, row) + from;
      simd::for_each_pack<P>(count, [&](Index i, Index n) {
        const P x = detail::load_or_repeat<P>(pa, sa, i, n), z = detail::load_or_repeat<P>(pb, sb, i, n);
        simd::store(simd::load<P>(pd + i, n) + term(simd::load<P>(pdy + i, n), x, z), pd + i, n);
      });
    });
  });
}

/// Adds the whole gradient of a repeated operand, summed in the order of the output: over the last dimension by
/// registers, or over the last but one in blocks of 256 rows, so that long sums stay accurate.
template <class Scalar, class Isa = simd::NativeIsa>
void broadcast_backward_sum(Arithmetic kind, int operand, const Broadcast& plan, const Scalar* a, const Scalar* b,
                            const Scalar* dy, Scalar* d) noexcept {
  using P = simd::Pack<Scalar, Isa>;
  constexpr Index row_block = 256, block = 4096;
  const int last = plan.rank - 1;
  const Index inner = plan.inner(), panel = plan.sizes[last - 1], rows = inner == 0 ? 0 : plan.size() / inner;
  const Index sa = plan.strides[0][last], sb = plan.strides[1][last], sd = plan.strides[operand][last];
  const Index ra = plan.strides[0][last - 1], rb = plan.strides[1][last - 1], rd = plan.strides[operand][last - 1];
  detail::with_derivative<P>(kind, operand, [&](auto term) {
    for (Index first = 0; first < rows; first += panel) {
      const Scalar* pa = a + plan.offset(0, first);
      const Scalar* pb = b + plan.offset(1, first);
      const Scalar* pdy = dy + first * inner;
      Scalar* pd = d + plan.offset(operand, first);
      const auto at = [&](Index r, Index i, Index n) {
        const P g = simd::load<P>(pdy + r * inner + i, n);
        return term(g, detail::load_or_repeat<P>(pa + r * ra, sa, i, n),
                    detail::load_or_repeat<P>(pb + r * rb, sb, i, n));
      };
      if (sd != 0 || inner == 1) {
        simd::for_each_pack<P>(inner, [&](Index i, Index n) {
          for (Index r0 = 0; r0 < panel; r0 += row_block) {
            const Index r1 = r0 + row_block < panel ? r0 + row_block : panel;
            if (rd != 0) {
              for (Index r = r0; r < r1; ++r) {
                Scalar* to = pd + r * rd + i;
                simd::store(simd::load<P>(to, n) + at(r, i, n), to, n);
              }
            } else {
              P part(Scalar(0));
              for (Index r = r0; r < r1; ++r) part = part + at(r, i, n);
              simd::store(simd::load<P>(pd + i, n) + part, pd + i, n);
            }
          }
        });
        continue;
      }
      for (Index r = 0; r < panel; ++r) {
        double total = 0;
        for (Index i0 = 0; i0 < inner; i0 += block) {
          P part(Scalar(0));
          simd::for_each_pack<P>(block < inner - i0 ? block : inner - i0, [&](Index i, Index n) {
            part = part + keep_first(at(r, i0 + i, n), n, P(Scalar(0)));  // past the end may be 0 / 0
          });
          total += static_cast<double>(reduce_sum(part));
        }
        pd[r * rd] += static_cast<Scalar>(total);
      }
    }
  });
}

}  // namespace heed::inline HEED_ABI::kernels
