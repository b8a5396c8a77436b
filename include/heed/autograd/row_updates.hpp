// SPDX-License-Identifier: Apache-2.0
// How an optimiser that steps a table row by row brings rows up to date before they are read.
#pragma once

#include <span>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI {

/// Of a table that is stepped row by row (optim::LazyAdam): rows that no operation has read since may lack some steps.
/// An operation under a recording tape prepares the rows that it reads (Var::prepare, Var::value); only rows prepared
/// since the last step may have a gradient.
class RowUpdates {
 public:
  /// Brings these rows up to date. Negative numbers are skipped.
  virtual void prepare(std::span<const Index> rows) = 0;
  virtual void prepare_all() = 0;
  /// All rows were prepared since the last step.
  virtual bool all_prepared() const = 0;
  /// Else those that were, in ascending order.
  virtual std::span<const Index> prepared() = 0;
  /// No row lacks a step.
  virtual bool up_to_date() const = 0;

 protected:
  ~RowUpdates() = default;
};

}  // namespace heed::inline HEED_ABI
