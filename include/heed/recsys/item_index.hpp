// SPDX-License-Identifier: Apache-2.0
// Exact top-k search in a catalogue by the inner product of item vectors with a query.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <type_traits>
#include <vector>

#include "heed/core/error.hpp"
#include "heed/core/shape.hpp"
#include "heed/recsys/top_items.hpp"

namespace heed::inline HEED_ABI::recsys {

/// A copy of a model's item table in float, double or Bfloat16, which halves the memory and rounds the vectors to 8
/// bits (queries and sums stay float). Immutable, and may be shared by threads.
template <class Element>
class ItemIndex {
 public:
  using Scalar = std::conditional_t<std::is_same_v<Element, Bfloat16>, float, Element>;

  /// table [items, d], bias [items] or empty. Throws ShapeError, and Error unless all numbers are finite, also as
  /// Elements.
  explicit ItemIndex(TensorView<const Scalar> table, std::span<const Scalar> bias = {})
      : bias_(bias.begin(), bias.end()) {
    if (table.shape().rank() != 2 || (!bias.empty() && std::ssize(bias) != table.rows())) {
      fail<ShapeError>("ItemIndex", "table ", table.shape(), " and ", bias.size(),
                       " biases do not fit [items, d] and items or none");
    }
    items_ = table.rows();
    width_ = table.cols();
    table_.reserve(static_cast<std::size_t>(table.size()));
    for (Index i = 0; i < items_; ++i) {
      for (Index j = 0; j < width_; ++j) {
        table_.emplace_back(table(i, j));
        const Scalar magnitude = std::abs(static_cast<Scalar>(table_.back()));
        if (!(magnitude <= limit)) fail("ItemIndex", "the vector of item ", i, " is not finite");
        largest_ = std::max(largest_, magnitude);
      }
    }
    for (const Scalar one : bias_) {
      if (!(std::abs(one) <= limit)) fail("ItemIndex", "a bias is ", one);
      largest_bias_ = std::max(largest_bias_, std::abs(one));
    }
  }

  Index num_items() const { return items_; }

  /// Writes the out.size() best items by score, query . vector + bias, then by smaller id, and returns them; fewer if
  /// there are not enough. query [d]; `left_out` ascending. Does not allocate. Throws ShapeError for a query of another
  /// width, OptionError when `left_out` is not ascending, Error when a number of the query is not finite or so large
  /// that a score could overflow.
  std::span<const ScoredItem<Scalar>> top_k(std::span<const Scalar> query, std::span<ScoredItem<Scalar>> out,
                                            std::span<const data::Id> left_out = {}) const {
    if (std::ssize(query) != width_) {
      fail<ShapeError>("ItemIndex::top_k", "query of ", query.size(), " features for items of ", width_);
    }
    if (!std::is_sorted(left_out.begin(), left_out.end())) fail<OptionError>("ItemIndex::top_k", "left_out unsorted");
    // Bounds all scores together, which costs nothing per item.
    double sum = 0;
    for (const Scalar one : query) sum += std::abs(static_cast<double>(one));
    if (!(sum * largest_ + largest_bias_ <= limit / 2)) {
      fail("ItemIndex::top_k", "a query of absolute sum ", sum, " may give scores that are not finite");
    }
    const Index found = kernels::top_k_of_table<Scalar, Element>(
        {table_.data(), {items_, width_}}, query.data(), bias_.empty() ? nullptr : bias_.data(), std::ssize(out),
        left_out.data(), std::ssize(left_out), out.data());
    return out.first(static_cast<std::size_t>(found));
  }

 private:
  static constexpr Scalar limit = std::numeric_limits<Scalar>::max();
  Index items_ = 0, width_ = 0;
  std::vector<Element> table_;
  std::vector<Scalar> bias_;
  Scalar largest_ = 0, largest_bias_ = 0;  ///< absolute values in the table and among the biases
};

}  // namespace heed::inline HEED_ABI::recsys
