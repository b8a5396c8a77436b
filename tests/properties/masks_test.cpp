// SPDX-License-Identifier: Apache-2.0
// Properties of masks for random sizes.
#include <limits>
#include <numeric>

#include "heed/testing/allclose.hpp"
#include "properties/attended.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using namespace heed::test;

template <class Scalar>
void hidden_keys_change_nothing() {
  const Index count = between(1, 4);
  const auto q_lengths = lengths(count, 20), k_lengths = lengths(count, 20), more = lengths(count, 9);
  auto bare = attended<Scalar>(q_lengths, k_lengths), padded = bare;
  std::vector<Index> longer = k_lengths;
  for (std::size_t b = 0; b < longer.size(); ++b) longer[b] += more[b];
  padded.k_segments = segments_of(longer);
  const Index heads = std::max<Index>(bare.heads, 1), most = padded.k_segments.max_length();
  const Scalar nan = std::numeric_limits<Scalar>::quiet_NaN();
  padded.k = Tensor<Scalar>::full({padded.k_segments.tokens(), bare.k.cols()}, nan);
  padded.v = Tensor<Scalar>::full({padded.k_segments.tokens(), bare.v.cols()}, nan);
  std::vector<Scalar> cotangents;
  const auto spread = [&](const Tensor<Scalar>& from, Tensor<Scalar>& to) {
    for (Index b = 0; b < count; ++b) {
      for (Index j = 0; j < bare.k_segments.length(b); ++j) {
        std::copy_n(from.view().row(bare.k_segments.begin(b) + j), from.cols(),
                    to.view().row(padded.k_segments.begin(b) + j));
      }
    }
  };
  spread(bare.k, padded.k);
  spread(bare.v, padded.v);
  for (Index b = 0; b < count; ++b) {
    const Index keys = bare.k_segments.length(b), wide = padded.k_segments.length(b);
    for (Index r = 0; r < heads * bare.q_segments.length(b); ++r) {
      const Scalar* from = bare.d_weights.data() + weights_begin(bare, b) + r * keys;
      cotangents.insert(cotangents.end(), from, from + keys);
      cotangents.insert(cotangents.end(), static_cast<std::size_t>(wide - keys), Scalar(3));
    }
  }
  padded.d_weights = Tensor<Scalar>({static_cast<Index>(cotangents.size())});
  std::copy(cotangents.begin(), cotangents.end(), padded.d_weights.data());

  // The added keys are hidden by length or per pair, with or without a mask of the other keys.
  const bool by_length = *rc::gen::arbitrary<bool>(), masked = *rc::gen::arbitrary<bool>();
  const auto visible = random_visibility(count, bare.q_segments.max_length(), most);
  Tensor<float> real({count, bare.q_segments.max_length(), most});
  for (Index row = 0; row < real.rows(); ++row) {
    std::fill_n(real.view().row(row), bare.k_segments.length(row / real.shape()[1]), 1.0f);
  }
  if (masked) bare.mask = padded.mask = Mask::visible(visible.view());
  padded.mask = padded.mask & (by_length ? Mask::lengths(k_lengths) : Mask::visible(std::as_const(real).view()));
  bare.run();
  padded.run();
  RC_ASSERT(same_bits(bare.context, padded.context));
  RC_ASSERT(same_bits(bare.dq, padded.dq));
  Tensor<Scalar> dk(padded.k.shape()), dv(padded.v.shape());
  spread(bare.dk, dk);
  spread(bare.dv, dv);
  RC_ASSERT(same_bits(dk, padded.dk));
  RC_ASSERT(same_bits(dv, padded.dv));
  for (Index b = 0; b < count; ++b) {
    const Index keys = bare.k_segments.length(b), wide = padded.k_segments.length(b);
    for (Index r = 0; r < heads * bare.q_segments.length(b); ++r) {
      const Scalar* got = padded.weights.data() + weights_begin(padded, b) + r * wide;
      RC_ASSERT(std::equal(got, got + keys, bare.weights.data() + weights_begin(bare, b) + r * keys));
      RC_ASSERT(std::count(got + keys, got + wide, Scalar(0)) == wide - keys);
    }
  }
}

template <class Scalar>
void the_future_has_no_influence() {
  const Index length = between(1, 40), now = between(0, length - 1);
  auto past = attended<Scalar>({length}, {length});
  past.mask = Mask::causal();
  auto other = past;
  const Index after = now + 1;
  for (Tensor<Scalar>* x : {&other.q, &other.k, &other.v}) {
    const auto changed = numbers<Scalar>({length - after, x->cols()});
    std::copy_n(changed.data(), changed.size(), x->view().row(after));
    // The future may contain NaN.
    if (after < length) (*x)(length - 1, 0) = std::numeric_limits<Scalar>::quiet_NaN();
  }
  past.run();
  other.run();
  RC_ASSERT(same_bits(rows_of(past.context, 0, after), rows_of(other.context, 0, after)));
  RC_ASSERT(same_bits(rows_of(past.dq, 0, after), rows_of(other.dq, 0, after)));
  for (Index h = 0; h < std::max<Index>(past.heads, 1); ++h) {
    const Index from = h * length * length;
    RC_ASSERT(std::equal(past.weights.data() + from, past.weights.data() + from + after * length,
                         other.weights.data() + from));
  }
}

void permuting_keys_permutes_weights() {
  const Index queries = between(0, 20), keys = between(1, 30);
  auto straight = attended<double>({queries}, {keys}), permuted = straight;
  std::vector<Index> order(static_cast<std::size_t>(keys));
  std::iota(order.begin(), order.end(), Index{0});
  Random(*rc::gen::arbitrary<std::uint64_t>()).shuffle(std::span<Index>(order));
  const auto from = [&](Index j) { return order[static_cast<std::size_t>(j)]; };
  const auto visible = random_visibility(1, queries, keys);
  Tensor<float> moved(visible.shape());
  for (Index j = 0; j < keys; ++j) {
    std::copy_n(straight.k.view().row(from(j)), straight.k.cols(), permuted.k.view().row(j));
    std::copy_n(straight.v.view().row(from(j)), straight.v.cols(), permuted.v.view().row(j));
    for (Index i = 0; i < queries; ++i) moved(0, i, j) = visible(0, i, from(j));
    for (Index r = 0; r < std::max<Index>(straight.heads, 1) * queries; ++r) {
      permuted.d_weights.data()[r * keys + j] = straight.d_weights.data()[r * keys + from(j)];
    }
  }
  straight.mask = Mask::visible(visible.view());
  permuted.mask = Mask::visible(std::as_const(moved).view());
  straight.run();
  permuted.run();
  // The order of summation differs, so that results agree up to rounding.
  const auto close = [](const Tensor<double>& a, const Tensor<double>& b) {
    return static_cast<bool>(testing::allclose(a, b, 1e-13));
  };
  RC_ASSERT(close(straight.context, permuted.context));
  RC_ASSERT(close(straight.dq, permuted.dq));
  Tensor<double> weights(straight.weights.shape()), dk(straight.dk.shape()), dv(straight.dv.shape());
  for (Index j = 0; j < keys; ++j) {
    std::copy_n(permuted.dk.view().row(j), dk.cols(), dk.view().row(from(j)));
    std::copy_n(permuted.dv.view().row(j), dv.cols(), dv.view().row(from(j)));
    for (Index r = 0; r < weights.size() / keys; ++r) {
      weights.data()[r * keys + from(j)] = permuted.weights.data()[r * keys + j];
    }
  }
  RC_ASSERT(close(straight.weights, weights));
  RC_ASSERT(close(straight.dk, dk));
  RC_ASSERT(close(straight.dv, dv));
}

TEST_CASE("adding hidden keys that are NaN does not change any bit") {
  check_holds(hidden_keys_change_nothing<float>, hidden_keys_change_nothing<double>);
}

TEST_CASE("changing later positions does not change any bit of causal attention at earlier ones") {
  check_holds(the_future_has_no_influence<float>, the_future_has_no_influence<double>);
}

TEST_CASE("permuting keys permutes the weights and changes nothing else") {
  CHECK(holds("in double", permuting_keys_permutes_weights));
}

}  // namespace HEED_TEST_UNIT
