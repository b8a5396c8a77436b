// SPDX-License-Identifier: Apache-2.0
// Interface by which an optimiser that updates a table row by row brings rows up to date before they are read.
#pragma once

#include <span>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI {

/// The state of a table that is updated row by row (optim::LazyAdam). Rows that were not read lately may lack optimiser
/// steps. Operations on a recording tape prepare the rows that they read (Var::prepare, Var::value); only rows prepared
/// since the last step may have a gradient.
class RowUpdates {
 public:
  /// Brings these rows up to date. Negative indices are skipped.
  virtual void prepare(std::span<const Index> rows) = 0;
  virtual void prepare_all() = 0;
  /// True when all rows were prepared since the last step.
  virtual bool all_prepared() const = 0;
  /// Otherwise, the rows prepared since the last step, in ascending order.
  virtual std::span<const Index> prepared() = 0;
  /// True when no row lacks a step.
  virtual bool up_to_date() const = 0;

 protected:
  ~RowUpdates() = default;
};

}  // namespace heed::inline HEED_ABI
