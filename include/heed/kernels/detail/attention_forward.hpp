// SPDX-License-Identifier: Apache-2.0
// Attention's forward pass by tiles with online softmax (Milakov and Gimelshein 2018; Dao et al. 2022): a few queries
// go through their keys block by block, keeping the greatest score, the sum and the context so far.
#pragma once

#include <limits>

#include "heed/kernels/detail/tile_products.hpp"
#include "heed/kernels/dropout.hpp"
#include "heed/simd/math.hpp"

namespace heed::inline HEED_ABI::kernels::detail {

template <class Scalar, class Isa>
class AttentionForward {
  using P = simd::Pack<Scalar, Isa>;
  static constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();

 public:
  static constexpr Index strip = forward_strip<Isa>;  ///< queries that go through the keys together
  static constexpr Index block = 256;                 ///< keys between two looks at the greatest score

  static Index scratch(Index keys, Index width, Index depth) {
    const Index wide = whole_registers<Scalar, Isa>(depth);
    return round_up(keys, key_panel) * width + keys * wide + strip * (2 * block + wide);
  }

  AttentionForward(const AttentionUnit<Scalar>& unit, MatrixView<Scalar> context, Scalar* weights, Scalar* scratch)
      : u_(unit),
        mask_(unit.random, static_cast<double>(unit.keep)),
        context_(context),
        weights_(weights),
        wide_(whole_registers<Scalar, Isa>(unit.v.cols())) {
    // Later queries see no fewer keys.
    keys_ = u_.queries() > 0 ? u_.key_end(u_.queries() - 1) : 0;
    s_ = scratch;
    added_ = s_ + strip * block;
    out_ = added_ + strip * block;
    k_t_ = out_ + strip * wide_;
    v_ = k_t_ + round_up(keys_, key_panel) * u_.k.cols();
  }

  void run() {
    for (Index j = 0; j < keys_; j += key_panel) {
      pack_panel<Scalar, Isa>(u_.k.rows(j, std::min(j + key_panel, keys_)), u_.scale, k_t_ + j * u_.k.cols());
    }
    finite_ = pack_rows<Scalar, Isa>(u_.v.rows(0, keys_), Scalar(1), v_);
    for (Index i = 0; i < u_.queries(); i += strip) queries(i, std::min(strip, u_.queries() - i));
  }

 private:
  using Seen = SeenTile<Scalar, Isa, strip, block>;

  void queries(Index i, Index rows) {
    std::fill_n(greatest_, strip, -infinity);
    std::fill_n(total_, strip, Scalar(0));
    std::fill_n(mass_, strip, Scalar(0));
    bool begun[strip / tile_rows<Isa>] = {};
    if (u_.keep < Scalar(1)) draw(i, rows);
    for (Index r = 0; weights_ != nullptr && r < rows; ++r) {
      std::fill_n(weights_ + (i + r) * u_.keys(), u_.keys(), -infinity);
    }
    for (Index j = 0; j < keys_; j += block) {
      const Seen seen(u_, i, rows, j, std::min(block, keys_ - j), added_);
      if (seen.runs == 0) continue;
      tile_scores<Scalar, Isa>(seen, u_.q.cols(), u_.q.row(i), u_.q.row_stride(), k_t_ + j * u_.q.cols(), s_, block);
      softmax(seen, i, j);
      contexts(seen, j, begun);
    }
    finish(i, rows, begun);
  }

  /// From scores to exp(score - the greatest so far) after dropout, 0 where hidden; what that makes of the earlier
  /// blocks' share is left in correction_.
  void softmax(const Seen& seen, Index i, Index j) {
    P part[strip];
    for (Index r = 0; r < strip; ++r) part[r] = P(-infinity);
    for (Index r = 0; r < seen.rows; ++r) {
      for (Index n = 0; n < seen.runs; ++n) part[r] = add_mask(seen, r, seen.run[n], part[r]);
    }
    Scalar shift[strip] = {}, sum[strip] = {};
    reduce_rows(
        part, seen.rows, shift, [](P a) { return reduce_max(a); }, [](P a, P b) { return max(a, b); });
    for (Index r = 0; r < strip; r += P::width) {
      const P old = P::load(greatest_ + r), now = max(old, P::load(shift + r));
      const P from =
          select(now == P(-infinity), P(Scalar(0)), now);  // nothing seen yet: -infinity - 0 is as it should be
      now.store(greatest_ + r);
      from.store(shift + r);
      exp_nonpositive(old - from).store(correction_ + r);
    }
    const P zero(Scalar(0)), kept_factor(Scalar(1) / u_.keep);
    for (Index r = 0; r < strip; ++r) part[r] = zero;
    for (Index r = 0; r < seen.rows; ++r) {
      Scalar* row = s_ + r * block;
      const std::uint16_t* const bits = u_.keep < Scalar(1) ? u_.kept + (i + r) * kept_words(u_.keys()) : nullptr;
      if (u_.next_rows != nullptr) u_.next_rows->step(4);
      for (Index n = 0; n < seen.runs; ++n) {
        const auto [begin, run_end] = seen.run[n];
        const Index end = std::min(run_end, seen.end[r]),
                    zeros = std::min(run_end, seen.widest_from(r / tile_rows<Isa> * tile_rows<Isa>));
        if (weights_ != nullptr && end > begin) {
          std::copy_n(row + begin, end - begin, weights_ + (i + r) * u_.keys() + j + begin);
        }
        Index c = begin;
        for (; c < end; c += P::width) {
          const P p = exp_nonpositive(P::load(row + c) - P(shift[r]));
          part[r] = part[r] + p;
          if (bits == nullptr) {
            p.store(row + c);
          } else {
            select(DropoutMask<Isa>::template kept<P>(bits, j + c), p * kept_factor, zero).store(row + c);
          }
        }
        for (; c < zeros; c += P::width) zero.store(row + c);
      }
      if (u_.mass) mass_[r] = mass_[r] * correction_[r] + on_item(seen, r, i, j);
    }
    reduce_rows(
        part, seen.rows, sum, [](P a) { return reduce_sum(a); }, [](P a, P b) { return a + b; });
    for (Index r = 0; r < strip; r += P::width) {
      fma(P::load(total_ + r), P::load(correction_ + r), P::load(sum + r)).store(total_ + r);
    }
  }

  /// What queries i .. keep of the keys that they may see: one query's words after the other's, so that short rows
  /// share a group.
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

  /// The sum of a row's exponents where the key holds the query's item.
  [[gnu::noinline]] Scalar on_item(const Seen& seen, Index r, Index i, Index j) const {
    P sum(Scalar(0));
    for (Index n = 0; n < seen.runs; ++n) {
      const Index end = std::min(seen.run[n].end, seen.end[r]);
      for (Index c = seen.run[n].begin; c < end; c += P::width) {
        sum = sum + where_same(P::load(s_ + r * block + c), u_.key_items + j + c, std::min<Index>(P::width, end - c),
                               u_.query_items[i + r]);
      }
    }
    return reduce_sum(sum);
  }

  /// The mask on a run of a row's scores; the greatest of `top` and them.
  P add_mask(const Seen& seen, Index r, Run run, P top) {
    Scalar* row = s_ + r * block;
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
    const bool select_pairs = !finite_ && seen.mixed();
    for (Index r = 0; r < seen.rows; r += tile_rows<Isa>) {
      Scalar* out = out_ + r * wide_;
      bool& resume = begun[r / tile_rows<Isa>];
      const Index rows = std::min(tile_rows<Isa>, seen.rows - r);
      for (Index q = 0; resume && q < rows; ++q) {
        for (Index c = 0; c < wide_; c += P::width) {
          (P::load(out + q * wide_ + c) * P(correction_[r + q])).store(out + q * wide_ + c);
        }
      }
      for (Index n = 0; n < seen.runs; ++n) {
        const Index begin = seen.run[n].begin, deep = std::min(seen.run[n].end, seen.widest_from(r)) - begin;
        if (deep <= 0) continue;
        (select_pairs ? multiply_selected<Scalar, Isa>
                      : multiply<Scalar, Isa>)(rows, wide_, deep, {s_ + r * block + begin, block, 1},
                                               v_ + (j + begin) * wide_, wide_, out, wide_, resume);
        resume = true;
      }
    }
  }

  void finish(Index i, Index rows, const bool (&begun)[strip / tile_rows<Isa>]) {
    Scalar inverse[strip], log_sum[strip];
    for (Index r = 0; r < strip; r += P::width) {
      const P total = P::load(total_ + r), zero(Scalar(0));
      const auto blind = total == zero;
      select(blind, zero, P(Scalar(1)) / total).store(inverse + r);
      select(blind, zero, P::load(greatest_ + r) + log(total)).store(log_sum + r);
    }
    std::copy_n(log_sum, rows, u_.log_sums + i);
    for (Index r = 0; r < rows; ++r) {
      const bool seen = begun[r / tile_rows<Isa>];
      simd::for_each_pack<P>(context_.cols(), [&](Index c, Index n) {
        const P y = seen ? P::load(out_ + r * wide_ + c) * P(inverse[r]) : P(Scalar(0));
        simd::store(y, context_.row(i + r) + c, n);
      });
      if (u_.mass) u_.mass(i + r, 0) = mass_[r] * inverse[r];
      if (weights_ != nullptr) weigh(i + r, log_sum[r]);
    }
  }

  /// A row of scores becomes the weights asked for.
  void weigh(Index i, Scalar log_sum) {
    Scalar* row = weights_ + i * u_.keys();
    simd::for_each_pack<P>(u_.keys(), [&](Index j, Index n) {
      const P x = simd::load<P>(row + j, n);
      simd::store(select(x == P(-infinity), P(Scalar(0)), exp(x - P(log_sum))), row + j, n);
    });
    if (!(u_.keep < Scalar(1))) return;
    const std::uint16_t* const bits = u_.kept + i * kept_words(u_.keys());
    const P zero(Scalar(0)), kept_factor(Scalar(1) / u_.keep);
    simd::for_each_pack<P>(u_.key_end(i), [&](Index j, Index n) {
      const auto kept = DropoutMask<Isa>::template kept<P>(bits, j);
      simd::store(select(kept, simd::load<P>(row + j, n) * kept_factor, zero), row + j, n);
    });
  }

  const AttentionUnit<Scalar>& u_;
  const DropoutMask<Isa> mask_;
  MatrixView<Scalar> context_;
  Scalar* weights_;
  Index wide_, keys_;  ///< columns of v_ and out_; keys that any query may see
  bool finite_ = true;
  Scalar *s_, *added_;                                         ///< [strip, block]
  Scalar* out_;                                                ///< [strip, wide]: the context, not yet divided
  Scalar *k_t_, *v_;                                           ///< [panels, width, key_panel], scaled; [keys, wide]
  Scalar greatest_[strip], total_[strip], correction_[strip];  ///< of each query
  Scalar mass_[strip];                                         ///< of each query, not yet divided
  std::uint16_t words_[DropoutMask<Isa>::words];               ///< of the last group drawn
  Index drawn_ = DropoutMask<Isa>::words;                      ///< of them, used
  std::uint64_t groups_ = 0;                                   ///< drawn so far
};

}  // namespace heed::inline HEED_ABI::kernels::detail
