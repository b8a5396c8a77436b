// SPDX-License-Identifier: Apache-2.0
// Attention's forward pass by tiles with online softmax (Milakov and Gimelshein 2018; Dao et al. 2022): a strip of
// queries is processed against its keys, block by block. Each query keeps the maximum m of the scores so far, the sum l
// of exp(score - m), and the sum of the values weighted by exp(score - m).
#pragma once

#include <limits>

#include "heed/kernels/detail/attention_arrays.hpp"
#include "heed/kernels/detail/weight_dropout.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels::detail {

template <class Scalar, class Isa>
class AttentionForward {
  using P = simd::Pack<Scalar, Isa>;
  static constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
  using Arrays = ForwardArrays<Scalar, Isa>;

 public:
  static constexpr Index strip = Arrays::strip, block = Arrays::block;

  static Index scratch(Index keys, Index width, Index depth) {
    return Arrays(ScratchLayout<Scalar>(nullptr), keys, width, depth, true).size;
  }

  AttentionForward(const AttentionUnit<Scalar>& unit, MatrixView<Scalar> context, Scalar* weights, Scalar* scratch)
      : u_(unit),
        mask_(unit.random, static_cast<double>(unit.keep)),
        context_(context),
        weights_(weights),
        keys_(unit.queries() > 0 ? unit.key_end(unit.queries() - 1) : 0),  // later queries see no fewer keys
        a_(ScratchLayout<Scalar>(scratch), keys_, unit.k.cols(), unit.v.cols(), true) {}

  void run() {
    a_.pack(u_.k.rows(0, keys_), u_.v.rows(0, keys_), u_.scale);
    for (Index i = 0; i < u_.queries(); i += strip) queries(i, std::min(strip, u_.queries() - i));
  }

 private:
  using Seen = SeenTile<Scalar, Isa, strip, block>;

  void queries(Index i, Index rows) {
    std::fill_n(m_, strip, -infinity);
    std::fill_n(l_, strip, Scalar(0));
    std::fill_n(mass_, strip, Scalar(0));
    bool begun[strip / tile_rows<Isa>] = {};
    if (u_.keep < Scalar(1)) draw(i, rows);
    for (Index r = 0; weights_ != nullptr && r < rows; ++r) {
      std::fill_n(weights_ + (i + r) * u_.keys(), u_.keys(), -infinity);
    }
    for (Index j = 0; j < keys_; j += block) {
      const Seen seen(u_, i, rows, j, std::min(block, keys_ - j), a_.added);
      if (seen.runs == 0) continue;
      tile_scores<Scalar, Isa>(seen, u_.q.cols(), u_.q.row(i), u_.q.row_stride(), a_.k_t + j * u_.q.cols(), a_.s,
                               block);
      softmax(seen, i, j);
      contexts(seen, j, begun);
    }
    finish(i, rows, begun);
  }

  /// Online softmax of a tile, in the notation of algorithm 3 of Milakov and Gimelshein: m and l per query, and the
  /// correction alpha = exp(previous m - m) of the sums over the earlier blocks.
  void softmax(const Seen& seen, Index i, Index j) {
    Scalar m_block[strip] = {}, shift[strip], l_block[strip] = {};
    mask_and_block_maxima(seen, m_block);          // 1. s += mask; m_block = max s
    raise_maxima(m_block, shift);                  // 2. m = max(m, m_block); alpha
    exponentiate(seen, i, j, shift, l_block);      // 3. s = dropout(exp(s - m)); l_block = sum exp(s - m)
    for (Index r = 0; r < strip; r += P::width) {  // 4. l = alpha l + l_block
      fma(P::load(l_ + r), P::load(alpha_ + r), P::load(l_block + r)).store(l_ + r);
    }
  }

  void mask_and_block_maxima(const Seen& seen, Scalar* m_block) {
    P part[strip];
    for (Index r = 0; r < strip; ++r) part[r] = P(-infinity);
    for (Index r = 0; r < seen.rows; ++r) {
      for (Index n = 0; n < seen.runs; ++n) part[r] = add_mask(seen, r, seen.run[n], part[r]);
    }
    reduce_rows(
        part, seen.rows, m_block, [](P a) { return reduce_max(a); }, [](P a, P b) { return max(a, b); });
  }

  /// Writes m to `shift`, or 0 for a query that has seen no key yet: -infinity - 0 stays -infinity.
  void raise_maxima(const Scalar* m_block, Scalar* shift) {
    for (Index r = 0; r < strip; r += P::width) {
      const P before = P::load(m_ + r), m = max(before, P::load(m_block + r));
      const P from = select(m == P(-infinity), P(Scalar(0)), m);
      m.store(m_ + r);
      from.store(shift + r);
      exp_nonpositive(before - from).store(alpha_ + r);
    }
  }

  void exponentiate(const Seen& seen, Index i, Index j, const Scalar* shift, Scalar* l_block) {
    P part[strip];
    for (Index r = 0; r < strip; ++r) part[r] = P(Scalar(0));
    for (Index r = 0; r < seen.rows; ++r) {
      if (u_.next_rows != nullptr) u_.next_rows->step(4);
      for (Index n = 0; n < seen.runs; ++n) part[r] = exponentiate(seen, r, seen.run[n], i, j, P(shift[r]), part[r]);
      if (u_.mass) mass_[r] = mass_[r] * alpha_[r] + on_item(seen, r, i, j);
    }
    reduce_rows(
        part, seen.rows, l_block, [](P a) { return reduce_sum(a); }, [](P a, P b) { return a + b; });
  }

  /// Replaces a run of a row's scores by exp(score - shift) after dropout, 0 where hidden. Returns `sum` plus the
  /// values before dropout.
  P exponentiate(const Seen& seen, Index r, Run run, Index i, Index j, P shift, P sum) {
    const P zero(Scalar(0));
    Scalar* row = a_.s + r * block;
    const WeightDropout<P, Isa> dropout(u_, i + r);
    const Index end = std::min(run.end, seen.end[r]),
                zeros = std::min(run.end, seen.widest_from(r / tile_rows<Isa> * tile_rows<Isa>));
    if (weights_ != nullptr && end > run.begin) {
      std::copy_n(row + run.begin, end - run.begin, weights_ + (i + r) * u_.keys() + j + run.begin);
    }
    Index c = run.begin;
    for (; c < end; c += P::width) {
      const P p = exp_nonpositive(P::load(row + c) - shift);
      sum = sum + p;
      dropout(p, j + c).store(row + c);
    }
    for (; c < zeros; c += P::width) zero.store(row + c);
    return sum;
  }

  /// Draws the dropout of the weights of queries i .. on the keys that they may see. The words of one query follow
  /// those of the previous query, so that short rows share a group.
  [[gnu::noinline]] void draw(Index i, Index rows) {
    for (Index q = i; q < i + rows; ++q) {
      std::uint16_t* const row = u_.kept + q * kept_words(u_.keys());
      for (Index w = 0; w < kept_words(u_.key_end(q)); ++w) {
        if (drawn_ == DropoutMask<Isa>::words) {
          mask_.make(groups_++, words_);
          drawn_ = 0;
        }
        row[w] = words_[drawn_++];
      }
    }
  }

  /// Returns the sum of a row's weights, not yet divided by l, over the keys that hold the query's item.
  [[gnu::noinline]] Scalar on_item(const Seen& seen, Index r, Index i, Index j) const {
    P sum(Scalar(0));
    for (Index n = 0; n < seen.runs; ++n) {
      const Index end = std::min(seen.run[n].end, seen.end[r]);
      for (Index c = seen.run[n].begin; c < end; c += P::width) {
        sum = sum + where_same(P::load(a_.s + r * block + c), u_.key_items + j + c, std::min<Index>(P::width, end - c),
                               u_.query_items[i + r]);
      }
    }
    return reduce_sum(sum);
  }

  /// Adds the mask to a run of a row's scores. Returns the maximum of `top` and these scores.
  P add_mask(const Seen& seen, Index r, Run run, P top) {
    Scalar* row = a_.s + r * block;
    const Index end = std::min(run.end, seen.end[r]);
    Index c = run.begin;
    for (; seen.added == nullptr && c + P::width <= end; c += P::width) top = max(P::load(row + c), top);
    for (; c < end; c += P::width) {
      P x = P::load(row + c);
      if (seen.added != nullptr) {
        const P more = P::load(seen.added + r * block + c);
        x = select(more == P(-infinity), more, x + more);
        x.store(row + c);
      }
      if (end - c < P::width) {
        x = keep_first(x, end - c, P(-infinity));
        x.store(row + c);
      }
      top = max(x, top);
    }
    return top;
  }

  void contexts(const Seen& seen, Index j, bool (&begun)[strip / tile_rows<Isa>]) {
    const bool select_pairs = !a_.finite && seen.mixed();
    for (Index r = 0; r < seen.rows; r += tile_rows<Isa>) {
      Scalar* out = a_.out + r * a_.wide;
      bool& resume = begun[r / tile_rows<Isa>];
      const Index rows = std::min(tile_rows<Isa>, seen.rows - r);
      for (Index q = 0; resume && q < rows; ++q) {
        for (Index c = 0; c < a_.wide; c += P::width) {
          (P::load(out + q * a_.wide + c) * P(alpha_[r + q])).store(out + q * a_.wide + c);
        }
      }
      for (Index n = 0; n < seen.runs; ++n) {
        const Index begin = seen.run[n].begin, deep = std::min(seen.run[n].end, seen.widest_from(r)) - begin;
        if (deep <= 0) continue;
        (select_pairs ? multiply_selected<Scalar, Isa>
                      : multiply<Scalar, Isa>)(rows, a_.wide, deep, {a_.s + r * block + begin, block, 1},
                                               a_.v + (j + begin) * a_.wide, a_.wide, out, a_.wide, resume);
        resume = true;
      }
    }
  }

  void finish(Index i, Index rows, const bool (&begun)[strip / tile_rows<Isa>]) {
    Scalar inverse[strip], log_sum[strip];
    for (Index r = 0; r < strip; r += P::width) {
      const P l = P::load(l_ + r), zero(Scalar(0));
      const auto blind = l == zero;
      select(blind, zero, P(Scalar(1)) / l).store(inverse + r);
      select(blind, zero, P::load(m_ + r) + log(l)).store(log_sum + r);
    }
    std::copy_n(log_sum, rows, u_.log_sums + i);
    for (Index r = 0; r < rows; ++r) {
      const bool seen = begun[r / tile_rows<Isa>];
      simd::for_each_pack<P>(context_.cols(), [&](Index c, Index n) {
        const P y = seen ? P::load(a_.out + r * a_.wide + c) * P(inverse[r]) : P(Scalar(0));
        simd::store(y, context_.row(i + r) + c, n);
      });
      if (u_.mass) u_.mass(i + r, 0) = mass_[r] * inverse[r];
      if (weights_ != nullptr) weigh(i + r, log_sum[r]);
    }
  }

  /// Turns a stored row of scores into the requested weights.
  void weigh(Index i, Scalar log_sum) {
    Scalar* row = weights_ + i * u_.keys();
    simd::for_each_pack<P>(u_.keys(), [&](Index j, Index n) {
      const P x = simd::load<P>(row + j, n);
      simd::store(select(x == P(-infinity), P(Scalar(0)), exp(x - P(log_sum))), row + j, n);
    });
    const WeightDropout<P, Isa> dropout(u_, i);
    if (!dropout) return;
    simd::for_each_pack<P>(u_.key_end(i),
                           [&](Index j, Index n) { simd::store(dropout(simd::load<P>(row + j, n), j), row + j, n); });
  }

  const AttentionUnit<Scalar>& u_;
  const DropoutMask<Isa> mask_;
  MatrixView<Scalar> context_;
  Scalar* weights_;
  Index keys_;  ///< number of keys that any query may see
  Arrays a_;
  Scalar m_[strip], l_[strip], alpha_[strip];     ///< per query: see `softmax`
  Scalar mass_[strip];                            ///< per query, not yet divided by l
  std::uint16_t words_[DropoutMask<Isa>::words];  ///< of the group drawn last
  Index drawn_ = DropoutMask<Isa>::words;         ///< number of words_ used
  std::uint64_t groups_ = 0;                      ///< number of groups drawn
};

}  // namespace heed::inline HEED_ABI::kernels::detail
