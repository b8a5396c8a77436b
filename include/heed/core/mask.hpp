// SPDX-License-Identifier: Apache-2.0
// Attention masks whose factory functions (visible, hidden, additive) state what a non-zero element means.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/shape.hpp"
#include "heed/core/view.hpp"

namespace heed::inline HEED_ABI {

/// The form in which kernels receive a mask. Trivially copyable. A pair (i, j) is visible when no part that is present
/// hides it; `additive` is added to the score of a visible pair (-infinity hides it).
template <class Scalar>
struct MaskView {
  bool causal = false;
  const Index* lengths = nullptr;         ///< [segments]: keys at and after lengths[b] are hidden
  const std::uint8_t* visible = nullptr;  ///< 0 = hidden
  const Scalar* additive = nullptr;
  Index segment_stride = 0;  ///< of `visible` and `additive`; 0 when all segments share one matrix
  Index row_stride = 0;

  /// `causal` (lower-right aligned) and `lengths` restrict query i of segment b to the keys 0 .. key_end - 1.
  Index key_end(Index b, Index i, Index queries, Index keys) const {
    Index end = keys;
    if (causal && keys - queries + i + 1 < end) end = keys - queries + i + 1;
    if (lengths != nullptr && lengths[b] < end) end = lengths[b];
    return end < 0 ? 0 : end;
  }
  /// True when `visible` or `additive` must be read for each pair.
  bool per_pair() const { return visible != nullptr || additive != nullptr; }
  /// False when `visible` or `additive` hides the pair at this position (see `at`).
  bool shows(Index at) const {
    constexpr Scalar hidden = -std::numeric_limits<Scalar>::infinity();
    return (visible == nullptr || visible[at] != 0) && (additive == nullptr || additive[at] != hidden);
  }
  Index at(Index b, Index i, Index j) const { return b * segment_stride + i * row_stride + j; }
};

/// Defines which keys a query may attend to. Values are shared and immutable, so that copies are cheap; masks combine
/// with `&`. The attention weights, context and gradient of a query without visible keys are 0.
///
/// Explicit matrices have shape `[queries, keys]` (the same for every sequence) or `[sequences, queries, keys]`, and
/// must cover the longest sequence; positions count from the start of each sequence.
class Mask {
 public:
  enum class Kind { visible, hidden, additive };
  struct Term {
    Kind kind;
    Shape shape;
    std::vector<double> values;  ///< 0 or 1 for visible and hidden
  };

  /// Everything is visible.
  Mask() = default;
  /// Query i sees the keys up to its own position, counted from the end: the last query sees the last key.
  static Mask causal() {
    Mask mask;
    mask.causal_ = true;
    return mask;
  }
  /// In sequence b only the first lengths[b] keys are visible.
  static Mask lengths(std::span<const Index> lengths) {
    Mask mask;
    mask.lengths_ = std::make_shared<const std::vector<Index>>(lengths.begin(), lengths.end());
    for (Index length : lengths) {
      if (length < 0) fail<ShapeError>("Mask::lengths", "negative length ", length);
    }
    return mask;
  }
  /// Non-zero = visible. The matrix (also in `hidden` and `additive`) is a TensorView or a MatrixView.
  static Mask visible(auto matrix) { return explicit_term("Mask::visible", Kind::visible, TensorView(matrix)); }
  /// Non-zero = hidden (PyTorch's `attn_mask` and `key_padding_mask` of MultiheadAttention).
  static Mask hidden(auto matrix) { return explicit_term("Mask::hidden", Kind::hidden, TensorView(matrix)); }
  /// Added to the scores; -infinity hides.
  static Mask additive(auto matrix) { return explicit_term("Mask::additive", Kind::additive, TensorView(matrix)); }

  /// A pair is visible where it is visible in both masks; additive parts are summed.
  friend Mask operator&(const Mask& a, const Mask& b) {
    Mask out = a;
    out.causal_ = a.causal_ || b.causal_;
    if (b.lengths_ != nullptr) {
      if (a.lengths_ == nullptr) {
        out.lengths_ = b.lengths_;
      } else {
        if (a.lengths_->size() != b.lengths_->size()) {
          fail<ShapeError>("Mask::&", "lengths of ", a.lengths_->size(), " and of ", b.lengths_->size(), " sequences");
        }
        auto shorter = std::make_shared<std::vector<Index>>(*a.lengths_);
        for (std::size_t i = 0; i < shorter->size(); ++i) {
          if ((*b.lengths_)[i] < (*shorter)[i]) (*shorter)[i] = (*b.lengths_)[i];
        }
        out.lengths_ = std::move(shorter);
      }
    }
    if (a.terms_ == nullptr) {
      out.terms_ = b.terms_;
    } else if (b.terms_ != nullptr) {
      auto both = std::make_shared<Terms>(*a.terms_);
      both->insert(both->end(), b.terms_->begin(), b.terms_->end());
      out.terms_ = std::move(both);
    }
    return out;
  }

  bool is_causal() const { return causal_; }
  const std::vector<Index>* key_lengths() const { return lengths_.get(); }
  std::span<const std::shared_ptr<const Term>> terms() const {
    return terms_ == nullptr ? std::span<const std::shared_ptr<const Term>>() : *terms_;
  }

 private:
  using Terms = std::vector<std::shared_ptr<const Term>>;

  template <class T>
  static Mask explicit_term(std::string_view operation, Kind kind, TensorView<T> matrix) {
    const int rank = matrix.shape().rank();
    if (rank != 2 && rank != 3) {
      fail<ShapeError>(operation, "wanted [queries, keys] or [sequences, queries, keys], got ", matrix.shape());
    }
    auto term = std::make_shared<Term>(Term{kind, matrix.shape(), {}});
    term->values.reserve(static_cast<std::size_t>(matrix.size()));
    for (Index i = 0; i < matrix.rows(); ++i) {
      for (Index j = 0; j < matrix.cols(); ++j) {
        term->values.push_back(kind == Kind::additive ? static_cast<double>(matrix(i, j))
                                                      : static_cast<double>(matrix(i, j) != 0));
      }
    }
    Mask mask;
    mask.terms_ = std::make_shared<const Terms>(Terms{std::move(term)});
    return mask;
  }

  bool causal_ = false;
  std::shared_ptr<const std::vector<Index>> lengths_;
  std::shared_ptr<const Terms> terms_;  // shared, so that copying a mask does not allocate
};

}  // namespace heed::inline HEED_ABI
