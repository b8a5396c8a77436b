// SPDX-License-Identifier: Apache-2.0
// Adam for large tables of which each step uses few rows.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "heed/autograd/row_updates.hpp"
#include "heed/kernels/adam_replay.hpp"
#include "heed/optim/adam.hpp"

namespace heed::inline HEED_ABI::optim {

namespace detail {

/// A table, its moments, and the number of steps applied to each row.
template <class Scalar>
class AdamTable final : public RowUpdates {
 public:
  /// `owner` is the parameter's pointer to its RowUpdates. All tensors have the parameter's shape.
  AdamTable(RowUpdates*& owner, Index zero_row, Tensor<Scalar>& value, Tensor<Scalar>& gradient, Tensor<Scalar>& first,
            Tensor<Scalar>& second, bool may_settle, Executor& executor)
      : owner_(&owner),
        executor_(&executor),
        value_(&value),
        gradient_(&gradient),
        first_(&first),
        second_(&second),
        rows_(value.shape()[0]),
        width_(value.size() / rows_),
        zero_row_(zero_row),
        may_settle_(may_settle),
        taken_(static_cast<std::size_t>(rows_), 0) {
    owner = this;
  }
  AdamTable(const AdamTable&) = delete;
  AdamTable& operator=(const AdamTable&) = delete;
  ~AdamTable() {
    catch_up();
    *owner_ = nullptr;
  }

  void prepare(std::span<const Index> rows) override {
    if (all_) return;
    const auto known = static_cast<Index>(prepared_.size());
    reserve(prepared_, rows.size());  // a row that is marked but not brought up to date would lose its steps
    for (const Index row : rows) {
      if (row < 0 || row == zero_row_ || taken(row) < 0) continue;
      prepared_.push_back(row);
      taken(row) = ~taken(row);
    }
    if (missed_.empty()) return;
    executor_->run_ranges(static_cast<Index>(prepared_.size()) - known, grain, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) {
        const Index row = prepared_[static_cast<std::size_t>(known + i)];
        replay(row, ~taken(row));
        taken(row) = ~static_cast<Taken>(missed_.size());
      }
    });
  }
  void prepare_all() override {
    catch_up();
    all_ = true;
  }
  bool all_prepared() const override { return all_; }
  std::span<const Index> prepared() override {
    std::sort(prepared_.begin(), prepared_.end());
    return prepared_;
  }
  bool up_to_date() const override { return missed_.empty(); }

  void catch_up() {
    if (missed_.empty()) return;
    executor_->run_ranges(rows_, grain, [&](Index begin, Index end, int) {
      for (Index row = begin; row < end; ++row) {
        const bool ready = taken(row) < 0;
        if (!ready && row != zero_row_) replay(row, taken(row));
        taken(row) = ready ? ~Taken{0} : Taken{0};
      }
    });
    missed_.clear();
    ceiling_ = 0;
  }

  /// Allocates the memory for a step.
  void reserve_step() { reserve(missed_, 1); }
  /// Applies the step to the prepared rows, and records it for the others.
  void step(const kernels::AdamStep<Scalar>& step) {
    if (!all_) {
      missed_.push_back(step);
      if (may_settle_) ceiling_ = std::max(ceiling_, step.rate);
    }
    executor_->run_ranges(all_ ? rows_ : static_cast<Index>(prepared_.size()), grain, [&](Index begin, Index end, int) {
      for (Index i = begin; i < end; ++i) {
        const Index row = all_ ? i : prepared_[static_cast<std::size_t>(i)], at = row * width_;
        if (row == zero_row_) continue;
        kernels::adam(step, width_, value_->data() + at, gradient_->data() + at, first_->data() + at,
                      second_->data() + at);
        taken(row) = static_cast<Taken>(missed_.size());
      }
    });
    prepared_.clear();
    all_ = false;
  }

 private:
  using Taken = std::int32_t;
  static constexpr Index grain = 64;

  /// Reserves memory for `more` elements, growing geometrically.
  template <class T>
  static void reserve(std::vector<T>& list, std::size_t more) {
    const std::size_t size = list.size() + more;
    if (size > list.capacity()) list.reserve(std::max(size, 2 * list.capacity()));
  }

  /// Number of steps of `missed_` that were applied to a row; its complement (~) for a prepared row.
  Taken& taken(Index row) { return taken_[static_cast<std::size_t>(row)]; }
  void replay(Index row, Taken from) {
    const Index at = row * width_;
    kernels::adam_replay<Scalar>(std::span(missed_).subspan(static_cast<std::size_t>(from)), ceiling_, width_,
                                 value_->data() + at, first_->data() + at, second_->data() + at);
  }

  RowUpdates** owner_;
  Executor* executor_;
  Tensor<Scalar>*value_, *gradient_, *first_, *second_;
  Index rows_, width_, zero_row_;
  bool may_settle_, all_ = false;
  std::vector<Taken> taken_;
  std::vector<Index> prepared_;                    ///< since the last step
  std::vector<kernels::AdamStep<Scalar>> missed_;  ///< the steps since all rows were up to date
  Scalar ceiling_ = 0;                             ///< their highest rate, or 0: see kernels::adam_replay
};

}  // namespace detail

/// Adam that updates only the rows used by operations on a recording tape since the last step (`gather` and
/// `sampled_loss` name their rows; other operations use all). The steps that a row missed are applied, with their
/// learning rates, when the row is used again or in `catch_up()`. Until then its value is stale; afterwards it is
/// bit-identical to Adam's. The destructor and `state()` catch up; call `catch_up()` before evaluating, saving or
/// otherwise reading the values. Gradients from elsewhere than such operations have an effect in prepared rows only.
/// Memory: one integer per row, and the constants of each step since the last `catch_up()` (the buffer is reused).
template <class Scalar>
class LazyAdam final : public Adam<Scalar> {
 public:
  using Tables = std::function<bool(std::string_view path, const Shape& shape)>;

  /// `tables` selects the parameters to update by rows; null: none. `decoupled`: weight decay as in AdamW. Throws
  /// OptionError as Adam does, when `tables` matches nothing, and for a parameter that another LazyAdam updates.
  LazyAdam(const ParameterList<Scalar>& parameters, const Tables& tables, const AdamOptions& options = {},
           bool decoupled = false)
      : Adam<Scalar>("lazy_adam", parameters, options, decoupled) {
    for (std::size_t i = 0; tables && i < parameters.size(); ++i) {
      const Parameter<Scalar>& parameter = *parameters[i].parameter;
      if (parameter.size() == 0 || parameter.shape().rank() == 0 || !tables(parameters[i].name, parameter.shape()))
        continue;
      if (parameter.row_updates() != nullptr) {
        fail<OptionError>("lazy_adam", parameters[i].name, " is already updated by another LazyAdam");
      }
      auto& entry = this->take_out(i);
      if (entry.frozen) continue;
      tables_.push_back({&entry, std::make_unique<detail::AdamTable<Scalar>>(
                                     parameter.row_updates(), parameter.zero_row(), *entry.value, *entry.gradient,
                                     entry.state[0], entry.state[1], entry.weight_decay == 0, this->executor())});
    }
    if (tables && tables_.empty()) fail<OptionError>("lazy_adam", "tables matches no parameter");
  }

  void catch_up() override {
    for (const Table& table : tables_) table.rows->catch_up();
  }

 private:
  struct Table {
    typename Optimizer<Scalar>::Entry* entry;
    std::unique_ptr<detail::AdamTable<Scalar>> rows;
  };

  void reserve_step() override {
    for (const Table& table : tables_) table.rows->reserve_step();
  }
  void update() override {
    Adam<Scalar>::update();
    for (const Table& table : tables_) table.rows->step(this->step_of(*table.entry));
  }

  std::vector<Table> tables_;
};

}  // namespace heed::inline HEED_ABI::optim
