// SPDX-License-Identifier: Apache-2.0
// The base class of optimisers: parameters, groups, state and the chunks of a step.
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <string>
#include <vector>

#include "heed/autograd/parameter_list.hpp"
#include "heed/core/executor.hpp"
#include "heed/optim/group.hpp"

namespace heed::inline HEED_ABI::optim {

/// A named tensor of an optimiser's state, of its parameter's shape.
template <class Scalar>
struct NamedState {
  std::string name;  ///< the parameter's path and PyTorch's name of the buffer: "head.weight.exp_avg"
  Tensor<Scalar>* value;
};

/// Updates parameters by their gradients. All memory is allocated at construction, except by LazyAdam. The `zero_row`
/// of a parameter is neither updated nor decayed, and its state stays zero. The parameters' values must outlive the
/// optimiser; the modules that own them may be moved.
template <class Scalar>
class Optimizer {
 public:
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;
  [[gnu::noinline]] virtual ~Optimizer() = default;

  /// Updates the parameters and zeroes the gradients. Throws ShapeError when a value, gradient or state was resized.
  /// After any exception, std::bad_alloc included, parameters, gradients and state are unchanged.
  void step() {
    for (const Entry& entry : entries_) {
      check_size(entry, "value", *entry.value);
      check_size(entry, "gradient", *entry.gradient);
      for (std::size_t i = 0; i < entry.state.size(); ++i) check_size(entry, slots_[i], entry.state[i]);
    }
    reserve_step();
    ++steps_;
    for (const Entry& entry : entries_) {
      const Index from = entry.frozen ? 0 : entry.zero_begin, to = entry.frozen ? entry.size : entry.zero_end;
      std::fill_n(entry.gradient->data() + from, to - from, Scalar(0));
    }
    update();
  }
  /// Applies the steps that rows have missed. Only LazyAdam has such rows.
  virtual void catch_up() {}

  double learning_rate() const { return learning_rate_; }
  /// Throws OptionError when `rate` is negative or not finite.
  void set_learning_rate(double rate) {
    check(rate >= 0 && std::isfinite(rate), "learning_rate", rate, "is negative or not finite");
    learning_rate_ = rate;
  }
  /// Number of steps taken, which bias corrections depend on. Save it with a checkpoint.
  Index steps() const { return steps_; }
  void set_steps(Index steps) {
    check(steps >= 0, "steps", static_cast<double>(steps), "is negative");
    catch_up();
    steps_ = steps;
  }
  /// Returns the state, to write to a checkpoint or to restore from one. Frozen parameters have none.
  std::vector<NamedState<Scalar>> state() {
    catch_up();
    std::vector<NamedState<Scalar>> out;
    for (Entry& entry : entries_) {
      for (std::size_t i = 0; i < slots_.size() && !entry.frozen; ++i) {
        out.push_back({entry.name + "." + slots_[i], &entry.state[i]});
      }
    }
    return out;
  }

 protected:
  /// A parameter. The addresses `value` and `gradient` stay valid when a module is moved.
  struct Entry {
    std::string name;
    Tensor<Scalar>*value = nullptr, *gradient = nullptr;
    Index size = 0, zero_begin = 0, zero_end = 0;  ///< elements of the row that stays zero, if any
    double rate_scale = 1, weight_decay = 0;
    bool frozen = false;
    std::vector<Tensor<Scalar>> state{};
  };

  /// `slots`: the names of the state tensors of each parameter. All names are string literals.
  Optimizer(const char* name, const ParameterList<Scalar>& parameters, double learning_rate, double weight_decay,
            const std::vector<Group>& groups, Executor* executor, std::initializer_list<const char*> slots)
      : name_(name), slots_(slots), entries_(parameters.size()), executor_(executor != nullptr ? executor : &serial_) {
    set_learning_rate(learning_rate);
    check_decay(weight_decay);
    if (parameters.empty()) fail<OptionError>(name_, "no parameters");
    for (std::size_t i = 0; i < parameters.size(); ++i) set(entries_[i], parameters[i], weight_decay, groups);
    check_groups(groups);
    check_distinct();
    cut();
  }

  /// Throws OptionError("name: option value says") unless `good`.
  void check(bool good, const char* option, double value, const char* says) const {
    if (!good) fail<OptionError>(name_, option, " ", value, " ", says);
  }

  /// Allocates the memory that `update` needs, which must not throw.
  virtual void reserve_step() {}
  /// Updates all parameters with `for_each_chunk`; `steps()` already includes this step.
  virtual void update() = 0;

  /// Returns parameter i of the list and removes it from `for_each_chunk`.
  Entry& take_out(std::size_t i) {
    std::erase_if(chunks_, [i](const Chunk& chunk) { return chunk.entry == i; });
    return entries_[i];
  }

  Executor& executor() const { return *executor_; }

  /// Calls `body(entry, begin, end)` for ranges that together contain all elements to update. The ranges depend on the
  /// shapes only.
  template <class Body>
  void for_each_chunk(const Body& body) {
    executor_->run(static_cast<Index>(chunks_.size()), [&](Index i, int) {
      const Chunk& chunk = chunks_[static_cast<std::size_t>(i)];
      body(entries_[chunk.entry], chunk.begin, chunk.end);
    });
  }

 private:
  struct Chunk {
    std::size_t entry;
    Index begin, end;
  };

  void check_size(const Entry& entry, const char* what, const Tensor<Scalar>& tensor) const {
    if (tensor.size() == entry.size) return;
    fail<ShapeError>(name_, entry.name, " has ", entry.size, " elements, its ", what, " is now ", tensor.shape());
  }

  void check_decay(double weight_decay) const {
    check(weight_decay >= 0 && std::isfinite(weight_decay), "weight_decay", weight_decay, "is negative or not finite");
  }

  void set(Entry& entry, const NamedParameter<Scalar>& named, double weight_decay, const std::vector<Group>& groups) {
    const Parameter<Scalar>& parameter = *named.parameter;
    const Index row = parameter.zero_row() < 0 ? 0 : parameter.size() / parameter.shape()[0];
    const Index begin = parameter.zero_row() < 0 ? 0 : parameter.zero_row() * row;
    entry.name = named.name;
    // A cast, because the parameter's mutable access would mark it as initialised.
    entry.value = const_cast<Tensor<Scalar>*>(&parameter.value());
    entry.gradient = &parameter.gradient();
    entry.size = parameter.size();
    entry.zero_begin = begin;
    entry.zero_end = begin + row;
    entry.weight_decay = weight_decay;
    for (const Group& group : groups) {
      if (!group.matches(named.name, parameter.shape())) continue;
      check(group.learning_rate_scale >= 0 && std::isfinite(group.learning_rate_scale), "learning_rate_scale",
            group.learning_rate_scale, "is negative or not finite");
      entry.rate_scale = group.learning_rate_scale;
      entry.weight_decay = group.weight_decay.value_or(weight_decay);
      check_decay(entry.weight_decay);
      entry.frozen = group.frozen;
      break;
    }
    if (entry.frozen) return;
    entry.state = std::vector<Tensor<Scalar>>(slots_.size());
    for (Tensor<Scalar>& state : entry.state) state = Tensor<Scalar>(parameter.shape());
  }

  /// Throws for a group that matches nothing: its path is probably misspelt.
  void check_groups(const std::vector<Group>& groups) const {
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const bool matched = std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
        return groups[i].matches(entry.name, entry.value->shape());
      });
      if (!matched) fail<OptionError>(name_, "group ", i, " matches no parameter");
    }
  }

  void check_distinct() const {
    // Compares all pairs: a model has hundreds of parameters, not millions.
    for (const Entry& entry : entries_) {
      for (const Entry* other = entries_.data(); other != &entry; ++other) {
        if (other->value != entry.value) continue;
        fail<OptionError>(name_, other->name, " and ", entry.name, " are the same parameter");
      }
    }
  }

  void cut() {
    constexpr Index grain = 16384;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      const Entry& entry = entries_[i];
      const auto range = [&](Index begin, Index end) {
        for (; begin < end; begin += grain) chunks_.push_back({i, begin, std::min(begin + grain, end)});
      };
      if (entry.frozen) continue;
      range(0, entry.zero_begin);
      range(entry.zero_end, entry.size);
    }
  }

  const char* name_;
  std::vector<const char*> slots_;
  std::vector<Entry> entries_;
  std::vector<Chunk> chunks_;
  Executor serial_;
  Executor* executor_;
  double learning_rate_ = 0;
  Index steps_ = 0;
};

}  // namespace heed::inline HEED_ABI::optim
