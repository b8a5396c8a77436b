// SPDX-License-Identifier: Apache-2.0
// Ragged sequences, packed without padding: the only layout of sequences in kernels.
#pragma once

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"

namespace heed::inline HEED_ABI {

/// The form in which kernels receive `Segments`: non-owning pointers. Trivially copyable.
struct SegmentsView {
  Index count = 0;
  Index max_length = 0;
  const Index* offsets = nullptr;  ///< [count + 1]: rows offsets[i] .. offsets[i + 1] belong to segment i
  const Index* order = nullptr;    ///< [count]: segments by decreasing length, equal lengths by index

  Index tokens() const { return count == 0 ? 0 : offsets[count]; }
  Index begin(Index i) const { return offsets[i]; }
  Index end(Index i) const { return offsets[i + 1]; }
  Index length(Index i) const { return offsets[i + 1] - offsets[i]; }
};

/// The boundaries of `count()` sequences in a packed `[tokens, features]` array; sequences may be empty. Value
/// semantics; assigning new lengths reuses the memory.
class Segments {
 public:
  Segments() { assign({}); }
  /// Throws ShapeError on a negative length.
  explicit Segments(std::span<const Index> lengths) { assign(lengths); }
  explicit Segments(std::initializer_list<Index> lengths) { assign({lengths.begin(), lengths.size()}); }
  /// `count` sequences of equal length, as in a dense `[batch, time, features]` array.
  static Segments uniform(Index count, Index length) {
    if (count < 0) fail<ShapeError>("segments", "negative count ", count);
    return Segments(std::vector<Index>(static_cast<std::size_t>(count), length));
  }

  void assign(std::span<const Index> lengths) {
    for (Index length : lengths) {
      if (length < 0) fail<ShapeError>("segments", "negative length ", length);
    }
    const std::size_t n = lengths.size();
    offsets_.resize(n + 1);
    offsets_[0] = 0;
    for (std::size_t i = 0; i < n; ++i) offsets_[i + 1] = offsets_[i] + lengths[i];
    order_.resize(n);
    std::iota(order_.begin(), order_.end(), Index{0});
    // The index breaks ties, so that std::sort, which does not allocate, gives the result of a stable sort.
    std::sort(order_.begin(), order_.end(), [&](Index a, Index b) {
      const Index la = length(a), lb = length(b);
      return la != lb ? la > lb : a < b;
    });
  }

  Index count() const { return static_cast<Index>(order_.size()); }
  Index tokens() const { return offsets_.empty() ? 0 : offsets_.back(); }
  Index begin(Index i) const { return offsets_[static_cast<std::size_t>(i)]; }
  Index end(Index i) const { return offsets_[static_cast<std::size_t>(i) + 1]; }
  Index length(Index i) const { return end(i) - begin(i); }
  Index max_length() const { return order_.empty() ? 0 : length(order_.front()); }
  operator SegmentsView() const { return view(); }
  SegmentsView view() const { return {count(), max_length(), offsets_.data(), order_.data()}; }

  friend bool operator==(const Segments& a, const Segments& b) { return a.offsets_ == b.offsets_; }

 private:
  std::vector<Index> offsets_;
  std::vector<Index> order_;
};

}  // namespace heed::inline HEED_ABI
