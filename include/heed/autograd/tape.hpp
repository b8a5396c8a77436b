// SPDX-License-Identifier: Apache-2.0
// The flat record of one computation: values in the order in which they were computed, and how to go back.
#pragma once

#include <cstring>
#include <limits>
#include <memory>
#include <span>
#include <type_traits>
#include <vector>

#include "heed/autograd/parameter.hpp"
#include "heed/autograd/var.hpp"
#include "heed/core/arena.hpp"
#include "heed/core/executor.hpp"
#include "heed/core/random.hpp"
#include "heed/core/segments.hpp"
#include "heed/core/tensor.hpp"

namespace heed::inline HEED_ABI {

/// Everything ambient.
struct TapeOptions {
  bool record = true;            ///< false: values only, nothing to go back by
  bool training = false;         ///< true: dropout acts
  Random random{};               ///< where dropout takes its numbers from
  Executor* executor = nullptr;  ///< who runs the chunks; null: this thread. Must outlive the tape
};

/// What a backward function sees: the cotangent of its output, and room to add the cotangents of its inputs.
template <class Scalar>
class Gradients {
 public:
  /// dL/d(output), contiguous.
  TensorView<const Scalar> output() const { return output_; }
  /// Where to ADD dL/dx, of x's shape and row stride; an empty view when x needs none.
  TensorView<Scalar> operator()(Var<Scalar> x) const { return tape_->gradient_of(x); }
  /// The same for a function that writes all of it: `fresh` says that nothing is there yet, not even zeros, and that
  /// dL/dx must be written rather than added.
  struct Room {
    TensorView<Scalar> gradient{};
    bool fresh = false;
  };
  Room to_overwrite(Var<Scalar> x) const {
    const bool fresh = tape_->untouched(x);
    return {tape_->gradient_of(x, !fresh), fresh};
  }
  /// For a function that zeroes rows just before it adds to them: when nothing has come to the array that x is, or is a
  /// view of, not even zeros, the gradient of all of that array, which the caller must zero; else an empty view.
  TensorView<Scalar> to_zero(Var<Scalar> x) const { return tape_->untouched_array(x); }
  Tape<Scalar>& tape() const { return *tape_; }

 private:
  friend class Tape<Scalar>;
  Gradients(Tape<Scalar>* tape, TensorView<const Scalar> output) : tape_(tape), output_(output) {}
  Tape<Scalar>* tape_;
  TensorView<const Scalar> output_;
};

/// An explicit, flat tape: creation order is a topological order, so going back is one loop. No globals, no
/// recursion, no ownership between nodes. One tape serves one thread at a time.
template <class Scalar = float>
class Tape {
 public:
  explicit Tape(const TapeOptions& options = {})
      : options_(options), executor_(options.executor != nullptr ? options.executor : &serial_) {}
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  bool recording() const { return options_.record; }
  bool training() const { return options_.training; }
  Executor& executor() const { return *executor_; }
  /// A stream of random numbers that depends on how many clears and calls came before, not on who draws.
  Random next_random() { return options_.random.fork(step_).fork(draws_++); }

  /// Forgets all values; their handles turn stale, the memory is kept.
  void clear() {
    nodes_.clear();
    values_.clear();
    gradients_.clear();
    scratch_.clear();
    ++generation_;
    ++step_;
    draws_ = 0;
  }
  /// Where the values now end.
  struct Mark {
    std::size_t size = 0;
    Arena::Mark values{};
  };
  Mark mark() const { return {nodes_.size(), values_.mark()}; }
  /// Forgets the values computed since, whose handles must not be used again; their memory is free for the next.
  void rewind(Mark mark) {
    nodes_.resize(std::min(mark.size, nodes_.size()));
    values_.rewind(mark.values);
  }
  /// Number of values.
  std::size_t size() const { return nodes_.size(); }
  /// Bytes held for values, gradients and scratch.
  std::size_t capacity() const { return values_.capacity() + gradients_.capacity() + scratch_.capacity(); }

  /// A copy of somebody's array; nothing flows back to it.
  Var<Scalar> constant(TensorView<const Scalar> view) { return leaf(view, false); }
  Var<Scalar> constant(const Tensor<Scalar>& tensor) { return leaf(tensor.view(), false); }
  Var<Scalar> constant(Scalar value) { return leaf({&value, {}}, false); }
  /// A value from `allocate` or `zeros`, not copied.
  Var<Scalar> constant_in_place(TensorView<Scalar> view) { return push({.value = view}); }
  /// A copy whose gradient is wanted (see `Var::gradient`).
  Var<Scalar> variable(TensorView<const Scalar> view) { return leaf(view, true); }
  Var<Scalar> variable(const Tensor<Scalar>& tensor) { return leaf(tensor.view(), true); }
  /// The parameter itself, not a copy; `backward` adds to the parameter's own gradient. Its value must not be replaced
  /// before the tape is cleared. Throws StateError for a parameter that was never given a value, and where rows are
  /// behind (RowUpdates) and the tape does not record.
  [[gnu::noinline]] Var<Scalar> parameter(const Parameter<Scalar>& p) {
    if (!p.initialized()) {
      fail<StateError>("tape", "a parameter of shape ", p.shape(),
                       " was never initialised: call nn::initialize(module, heed::Random(seed)), or load it");
    }
    // A node never writes its value, so the const is kept in substance.
    Node node{.value = {const_cast<Scalar*>(p.value().data()), p.shape()}};
    node.gradient = p.gradient().data();
    node.requires_grad = recording();
    node.is_parameter = true;
    node.rows = p.row_updates();
    if (node.rows != nullptr && !recording() && !node.rows->present()) {
      fail<StateError>("tape", "rows of a parameter are behind: the optimiser's catch_up() comes before evaluation");
    }
    return push(node);
  }

  /// Uninitialised room for an output.
  TensorView<Scalar> allocate(const Shape& shape) { return values_.tensor<Scalar>(shape); }
  [[gnu::noinline]] TensorView<Scalar> zeros(const Shape& shape) {
    const TensorView<Scalar> out = allocate(shape);
    std::fill_n(out.data(), out.size(), Scalar(0));
    return out;
  }
  /// Uninitialised room for anything else that a backward function needs.
  template <class T>
  T* room(Index count) {
    return values_.array<T>(count);
  }
  /// Room whose life ends with an ArenaScope.
  Arena& scratch() { return scratch_; }
  /// Copies that live as long as the values, for backward functions to use.
  template <class T>
  const T* keep(std::span<const T> items) {
    T* out = values_.array<T>(static_cast<Index>(items.size()));
    if (!items.empty()) std::memcpy(out, items.data(), items.size_bytes());
    return out;
  }
  SegmentsView keep(SegmentsView view) {
    return {view.count, view.max_length, keep(std::span(view.offsets, static_cast<std::size_t>(view.count) + 1)),
            keep(std::span(view.order, static_cast<std::size_t>(view.count)))};
  }

  /// Appends a value computed from `inputs`, and the function that adds its gradients to theirs:
  /// `backward(const Gradients<Scalar>&)`. The function is copied bit by bit and never destroyed, so it may capture
  /// handles, views of this tape's memory and plain numbers only. `value` must come from `allocate`.
  template <class Backward>
  Var<Scalar> record(std::span<const Var<Scalar>> inputs, TensorView<Scalar> value, const Backward& backward) {
    static_assert(std::is_trivially_copyable_v<Backward> && std::is_trivially_destructible_v<Backward>,
                  "a backward function may capture only handles, views and plain numbers");
    const auto [var, room] = append(inputs, value, sizeof(Backward), [](const void* f, const Gradients<Scalar>& g) {
      (*static_cast<const Backward*>(f))(g);
    });
    if (room != nullptr) ::new (room) Backward(backward);
    return var;
  }

  /// Another view of memory that `x` already has (a reshape, a slice): its gradient is that part of x's gradient.
  [[gnu::noinline]] Var<Scalar> alias(Var<Scalar> x, TensorView<const Scalar> view) {
    const Node& of = at(x);
    Node node{.value = {const_cast<Scalar*>(view.data()), view.shape(), view.row_stride()}};
    node.requires_grad = of.requires_grad;
    node.root = of.root != none ? of.root : x.index_;
    return push(node);
  }

  /// Runs all backward functions from `loss` (one element) to the first value, in reverse order.
  void backward(Var<Scalar> loss) {
    if (!recording()) fail<StateError>("backward", "the tape was made with record = false");
    if (loss.shape().size() != 1) {
      fail<ShapeError>("backward", "wanted a loss of one element, got shape ", loss.shape());
    }
    gradients_.clear();
    for (Node& node : nodes_) {
      if (!node.is_parameter) node.gradient = nullptr;
    }
    if (!loss.requires_grad()) return;
    gradient_of(loss)[0] += Scalar(1);
    for (std::size_t i = loss.index_ + std::size_t{1}; i-- > 0;) {
      const Node& node = nodes_[i];
      if (node.backward == nullptr || node.gradient == nullptr) continue;
      node.backward(node.closure, Gradients<Scalar>(this, {node.gradient, node.value.shape()}));
    }
  }

 private:
  friend class Var<Scalar>;
  friend class Gradients<Scalar>;
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  struct Node {
    TensorView<Scalar> value;
    Scalar* gradient = nullptr;
    const void* closure = nullptr;
    void (*backward)(const void*, const Gradients<Scalar>&) = nullptr;
    std::uint32_t root = none;   ///< whose memory this is a view of
    RowUpdates* rows = nullptr;  ///< of a parameter, if any
    bool requires_grad = false;
    bool is_parameter = false;
  };

  /// The part of `record` that is the same for every function: the value, and room for the function if it is wanted.
  struct Appended {
    Var<Scalar> var;
    void* room;
  };
  [[gnu::noinline]] Appended append(std::span<const Var<Scalar>> inputs, TensorView<Scalar> value, std::size_t size,
                                    void (*call)(const void*, const Gradients<Scalar>&)) {
    Node node{.value = value};
    for (const Var<Scalar>& input : inputs) node.requires_grad |= at(input).requires_grad;
    void* room = nullptr;
    if (node.requires_grad) {
      node.closure = room = values_.allocate(size);
      node.backward = call;
    }
    return {push(node), room};
  }

  [[gnu::noinline]] Var<Scalar> push(const Node& node) {
    if (nodes_.size() >= none) fail<StateError>("tape", "more than 4,294,967,294 values");
    nodes_.push_back(node);
    return {this, static_cast<std::uint32_t>(nodes_.size() - 1), generation_};
  }

  [[gnu::noinline]] Var<Scalar> leaf(TensorView<const Scalar> view, bool requires_grad) {
    const TensorView<Scalar> copy = allocate(view.shape());
    for (Index i = 0; i < view.rows(); ++i) std::copy_n(view.row(i), view.cols(), copy.row(i));
    Node node{.value = copy};
    node.requires_grad = requires_grad && recording();
    return push(node);
  }

  [[gnu::noinline]] const Node& at(Var<Scalar> x) const {
    if (x.tape_ != this) fail<StateError>("tape", "a value of another tape, or of none");
    if (x.generation_ != generation_ || x.index_ >= nodes_.size()) {
      fail<StateError>("tape", "a stale value: its tape was cleared after it was made");
    }
    return nodes_[x.index_];
  }

  /// No gradient has come to x, nor to other views of its memory.
  bool untouched(Var<Scalar> x) const {
    const Node& node = at(x);
    const Node& root = nodes_[node.root != none ? node.root : x.index_];
    return node.requires_grad && root.gradient == nullptr && root.value.size() == node.value.size();
  }
  [[gnu::noinline]] TensorView<Scalar> untouched_array(Var<Scalar> x) {
    const Node& node = at(x);
    Node& root = nodes_[node.root != none ? node.root : x.index_];
    if (!node.requires_grad || root.gradient != nullptr) return {};
    root.gradient = gradients_.array<Scalar>(root.value.size());
    return {root.gradient, root.value.shape()};
  }
  [[gnu::noinline]] TensorView<Scalar> gradient_of(Var<Scalar> x, bool zeroed = true) {
    const Node& node = at(x);
    if (!node.requires_grad) return {};
    Node& root = nodes_[node.root != none ? node.root : x.index_];
    if (root.gradient == nullptr) {
      root.gradient = gradients_.array<Scalar>(root.value.size());
      if (zeroed) std::fill_n(root.gradient, root.value.size(), Scalar(0));
    }
    return {root.gradient + (node.value.data() - root.value.data()), node.value.shape(), node.value.row_stride()};
  }

  TapeOptions options_;
  Executor serial_;
  Executor* executor_;
  std::vector<Node> nodes_;
  Arena values_, gradients_, scratch_;
  std::uint32_t generation_ = 1;
  std::uint64_t step_ = 0, draws_ = 0;
};
Tape(const TapeOptions&) -> Tape<float>;

template <class Scalar>
[[gnu::noinline]] Tape<Scalar>& Var<Scalar>::tape() const {
  if (tape_ == nullptr) fail<StateError>("var", "an empty handle");
  tape_->at(*this);
  return *tape_;
}
template <class Scalar>
[[gnu::noinline]] TensorView<const Scalar> Var<Scalar>::value() const {
  if (tape_ == nullptr) fail<StateError>("var", "an empty handle");
  const auto& node = tape_->at(*this);
  if (node.rows != nullptr && tape_->recording()) node.rows->use_all();
  return node.value;
}
template <class Scalar>
[[gnu::noinline]] TensorView<const Scalar> Var<Scalar>::value(std::span<const Index> rows) const {
  if (tape_ == nullptr) fail<StateError>("var", "an empty handle");
  const auto& node = tape_->at(*this);
  if (node.rows != nullptr && tape_->recording()) node.rows->use(rows);
  return node.value;
}
template <class Scalar>
[[gnu::noinline]] Shape Var<Scalar>::shape() const {
  if (tape_ == nullptr) fail<StateError>("var", "an empty handle");
  return tape_->at(*this).value.shape();
}
template <class Scalar>
[[gnu::noinline]] Index Var<Scalar>::rows() const {
  return tape().at(*this).value.rows();
}
template <class Scalar>
[[gnu::noinline]] Index Var<Scalar>::cols() const {
  return tape().at(*this).value.cols();
}
template <class Scalar>
bool Var<Scalar>::requires_grad() const {
  return tape().at(*this).requires_grad;
}
template <class Scalar>
TensorView<const Scalar> Var<Scalar>::gradient() const {
  const auto& node = tape().at(*this);
  const auto& root = node.root != Tape<Scalar>::none ? tape_->nodes_[node.root] : node;
  if (!node.requires_grad || root.gradient == nullptr) return {};
  return {root.gradient + (node.value.data() - root.value.data()), node.value.shape(), node.value.row_stride()};
}
template <class Scalar>
Scalar Var<Scalar>::item() const {
  const auto view = value();
  if (view.size() != 1) fail<ShapeError>("item", "wanted one element, got shape ", view.shape());
  return view[0];
}

/// The one tape of an operation's inputs. Throws StateError, naming the operation, when they are on different tapes.
template <class Scalar, class... Vars>
Tape<Scalar>& tape_of([[maybe_unused]] std::string_view operation, Var<Scalar> first, Vars... rest) {
  Tape<Scalar>& tape = first.tape();
  for (const Var<Scalar>& other : std::initializer_list<Var<Scalar>>{rest...}) {
    if (&other.tape() != &tape) fail<StateError>(operation, "inputs on different tapes");
  }
  return tape;
}

/// Records an operation; see Tape::record.
template <class Scalar, class Backward>
Var<Scalar> record(Tape<Scalar>& tape, std::initializer_list<Var<Scalar>> inputs, TensorView<Scalar> value,
                   const Backward& backward) {
  return tape.record(std::span<const Var<Scalar>>(inputs.begin(), inputs.size()), value, backward);
}

/// Adds dL/dp to the gradient of every parameter p that `loss` depends on.
template <class Scalar>
void backward(Var<Scalar> loss) {
  loss.tape().backward(loss);
}

}  // namespace heed::inline HEED_ABI
