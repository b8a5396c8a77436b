// SPDX-License-Identifier: Apache-2.0
// Records a computation: its values in the order in which they were computed, and their backward functions.
#pragma once

#include <cstring>
#include <limits>
#include <memory>
#include <source_location>
#include <span>
#include <type_traits>
#include <vector>

#include "heed/autograd/parameter.hpp"
#include "heed/autograd/row_updates.hpp"
#include "heed/autograd/var.hpp"
#include "heed/core/arena.hpp"
#include "heed/core/executor.hpp"
#include "heed/core/random.hpp"
#include "heed/core/segments.hpp"
#include "heed/core/tensor.hpp"
#include "heed/kernels/first_not_finite.hpp"

namespace heed::inline HEED_ABI {

namespace detail {
template <class Scalar>
class GradientSink;
}

/// Settings shared by all operations on a tape.
struct TapeOptions {
  bool record = true;            ///< false: values only, no backward pass
  bool training = false;         ///< true: dropout is active
  Random random{};               ///< the source of dropout's random numbers
  Executor* executor = nullptr;  ///< runs the chunks of operations; null: serial. Must outlive the tape

  void fields(auto&& visitor) {
    visitor("record", record, "training", training, "random", random, "executor", executor);
  }
};

/// The argument of a backward function: the gradient of its output, and arrays to which it adds the inputs' gradients.
template <class Scalar>
class Gradients {
 public:
  /// dL/d(output), contiguous.
  TensorView<const Scalar> output() const { return output_; }
  /// The array to which to ADD dL/dx, of x's shape and row stride; an empty view when x is empty or needs no gradient.
  TensorView<Scalar> operator()(Var<Scalar> x) const { return tape_->gradient_of(x); }
  Tape<Scalar>& tape() const { return *tape_; }

 private:
  friend class Tape<Scalar>;
  Gradients(Tape<Scalar>* tape, TensorView<const Scalar> output) : tape_(tape), output_(output) {}
  Tape<Scalar>* tape_;
  TensorView<const Scalar> output_;
};

/// A flat tape: the order of creation is a topological order, so that the backward pass is one loop. Without global
/// state, recursion or ownership between nodes. A tape must not be used by two threads at the same time.
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
  /// Returns a stream of random numbers that depends only on the options and the number of preceding clears and calls.
  Random next_random() { return options_.random.fork(step_).fork(draws_++); }

  /// Discards all values and keeps the memory for reuse. Their handles become stale.
  void clear() {
    nodes_.clear();
    ++generation_;  // first, since merging the chunks of an arena may throw std::bad_alloc
    values_.clear();
    gradients_.clear();
    scratch_.clear();
    ++step_;
    draws_ = 0;
  }
  /// The number of clears, on which `next_random` depends. Save it with a checkpoint.
  std::uint64_t step() const { return step_; }
  /// Clears the tape and sets the number of clears, to continue with the random numbers of another tape.
  void set_step(std::uint64_t step) {
    clear();
    step_ = step;
  }
  /// A position to which `rewind` returns: the present end of the values.
  struct Mark {
    std::size_t size = 0;
    Arena::Mark values{};
  };
  Mark mark() const { return {nodes_.size(), values_.mark()}; }
  /// Discards the values computed since `mark` and reuses their memory. Their handles must not be used again.
  void rewind(Mark mark) {
    nodes_.resize(std::min(mark.size, nodes_.size()));
    values_.rewind(mark.values);
  }
  /// Number of values.
  std::size_t size() const { return nodes_.size(); }
  /// Bytes allocated for values, gradients and scratch buffers.
  std::size_t capacity() const { return values_.capacity() + gradients_.capacity() + scratch_.capacity(); }

  /// A copy of an array, without a gradient.
  Var<Scalar> constant(TensorView<const Scalar> view) { return leaf(view, false); }
  Var<Scalar> constant(const Tensor<Scalar>& tensor) { return leaf(tensor.view(), false); }
  Var<Scalar> constant(Scalar value) { return leaf({&value, {}}, false); }
  /// A constant in memory from `allocate` or `zeros`, which is not copied.
  Var<Scalar> constant_in_place(TensorView<Scalar> view) { return push({.value = view}); }
  /// A copy of an array that requires a gradient (see `Var::gradient`).
  Var<Scalar> variable(TensorView<const Scalar> view) { return leaf(view, true); }
  Var<Scalar> variable(const Tensor<Scalar>& tensor) { return leaf(tensor.view(), true); }
  /// The parameter itself, not a copy; `backward` adds to the parameter's gradient. Its value must not be replaced
  /// before the tape is cleared. Throws StateError for an uninitialised parameter, and when the tape does not record
  /// and rows of the parameter are not up to date (RowUpdates).
  [[gnu::noinline]] Var<Scalar> parameter(const Parameter<Scalar>& p) {
    if (!p.initialized()) {
      fail<StateError>("tape", "a parameter of shape ", p.shape(),
                       " was never initialised: call nn::initialize(module, heed::Random(seed)), or load it");
    }
    // A node never writes its value, so that the parameter stays constant despite the cast.
    Node node{.value = {const_cast<Scalar*>(p.value().data()), p.shape()}};
    node.gradient = p.gradient().data();
    node.requires_grad = recording();
    node.is_parameter = true;
    node.rows = p.row_updates();
    if (node.rows != nullptr && !recording() && !node.rows->up_to_date()) {
      fail<StateError>("tape",
                       "rows of a parameter are not up to date: call the optimiser's catch_up() before evaluation");
    }
    return push(node);
  }

  /// Returns an uninitialised array for an output.
  TensorView<Scalar> allocate(const Shape& shape) { return values_.tensor<Scalar>(shape); }
  [[gnu::noinline]] TensorView<Scalar> zeros(const Shape& shape) {
    const TensorView<Scalar> out = allocate(shape);
    std::fill_n(out.data(), out.size(), Scalar(0));
    return out;
  }
  /// Returns uninitialised memory for other data that a backward function reads.
  template <class T>
  T* allocate_array(Index count) {
    return values_.array<T>(count);
  }
  /// Memory for scratch buffers, which an ArenaScope releases.
  Arena& scratch() { return scratch_; }
  /// Copies data that a backward function reads; the copy lives as long as the values.
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

  /// Appends a value computed from `inputs`, and the function `backward(const Gradients<Scalar>&)` that adds to the
  /// gradients of the inputs. The function is copied bytewise and never destroyed, so that it may capture only handles,
  /// views of this tape's memory and plain numbers. `value` must come from `allocate`. Inputs that are empty handles,
  /// such as an omitted bias, are skipped. `check_finite` names the value by `where`: the file and line of the caller.
  /// Throws StateError when all inputs are empty.
  template <class Backward>
  Var<Scalar> record(std::span<const Var<Scalar>> inputs, TensorView<Scalar> value, const Backward& backward,
                     std::source_location where = std::source_location::current()) {
    static_assert(std::is_trivially_copyable_v<Backward> && std::is_trivially_destructible_v<Backward>,
                  "a backward function may capture only handles, views and plain numbers");
    const auto call = [](const void* f, const Gradients<Scalar>& g) { (*static_cast<const Backward*>(f))(g); };
    const auto [var, closure] = append(inputs, value, where, sizeof(Backward), call);
    if (closure != nullptr) ::new (closure) Backward(backward);
    return var;
  }

  /// A value that views memory of `x` (a reshape, a slice). Its gradient is the corresponding part of x's gradient.
  [[gnu::noinline]] Var<Scalar> alias(Var<Scalar> x, TensorView<const Scalar> view) {
    const Node& of = at(x);
    Node node{.value = {const_cast<Scalar*>(view.data()), view.shape(), view.row_stride()}};
    node.requires_grad = of.requires_grad;
    node.root = of.root != none ? of.root : x.index_;
    return push(node);
  }

  /// Runs all backward functions in reverse order, starting from `loss`, which must have one element (else ShapeError).
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

  /// For debugging: throws Error for the first value that holds NaN or infinity, which names the file and line of the
  /// operation that computed it (for an operation of the library, the file has its name) or says that it was given.
  void check_finite() const {
    for (const Node& node : nodes_) {
      if (node.root != none) continue;  // a view of an earlier value
      const auto [row, col] = kernels::first_not_finite<Scalar>(node.value.matrix());
      if (row == node.value.rows()) continue;
      const std::string_view path = node.where.file_name(), file = path.substr(path.rfind('/') + 1);
      const std::string op = message("the output of ", file, ":", node.where.line());
      fail("check_finite", "value ", &node - nodes_.data(), " of ", nodes_.size(), ", ",
           node.is_parameter        ? "a parameter"
           : node.where.line() == 0 ? "a constant or variable"
                                    : op,
           " of shape ", node.value.shape(), ", is ", node.value(row, col), " in row ", row, ", column ", col);
    }
  }

 private:
  friend class Var<Scalar>;
  friend class Gradients<Scalar>;
  friend class detail::GradientSink<Scalar>;
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  struct Node {
    TensorView<Scalar> value;
    Scalar* gradient = nullptr;
    const void* closure = nullptr;
    void (*backward)(const void*, const Gradients<Scalar>&) = nullptr;
    std::source_location where{};  ///< of the operation; line 0 for parameters, constants and variables
    std::uint32_t root = none;     ///< the node whose memory this one views
    RowUpdates* rows = nullptr;    ///< set for a parameter that is updated row by row
    bool requires_grad = false;
    bool is_parameter = false;
  };

  /// The part of `record` that does not depend on the function's type: `closure` is memory for it, or null.
  struct Appended {
    Var<Scalar> var;
    void* closure;
  };
  [[gnu::noinline]] Appended append(std::span<const Var<Scalar>> inputs, TensorView<Scalar> value,
                                    std::source_location where, std::size_t size,
                                    void (*call)(const void*, const Gradients<Scalar>&)) {
    Node node{.value = value, .where = where};
    bool given = false;
    for (const Var<Scalar>& input : inputs) {
      if (!input) continue;
      given = true;
      node.requires_grad |= at(input).requires_grad;
    }
    if (!given) fail<StateError>("record", "wanted at least one input, got ", inputs.size(), " empty handles");
    void* closure = nullptr;
    if (node.requires_grad) {
      node.closure = closure = values_.allocate(size);
      node.backward = call;
    }
    return {push(node), closure};
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

  /// The node that owns x's memory: x itself, or the one that x is an alias of.
  const Node& array_of(Var<Scalar> x) const {
    const Node& node = at(x);
    return nodes_[node.root != none ? node.root : x.index_];
  }
  /// dL/dx. Allocates the gradient of x's array if needed, filled with zeros or (`zeroed` = false) uninitialised.
  [[gnu::noinline]] TensorView<Scalar> gradient_of(Var<Scalar> x, bool zeroed = true) {
    if (!x) return {};
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
  if (node.rows != nullptr && tape_->recording()) node.rows->prepare_all();
  return node.value;
}
template <class Scalar>
[[gnu::noinline]] void Var<Scalar>::prepare(std::span<const Index> rows) const {
  RowUpdates* const updates = tape().at(*this).rows;
  if (updates != nullptr && tape_->recording()) updates->prepare(rows);
}
template <class Scalar>
[[gnu::noinline]] TensorView<const Scalar> Var<Scalar>::prepared() const {
  return tape().at(*this).value;
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
  const auto& root = tape_->array_of(*this);
  if (!node.requires_grad || root.gradient == nullptr) return {};
  return {root.gradient + (node.value.data() - root.value.data()), node.value.shape(), node.value.row_stride()};
}
template <class Scalar>
Scalar Var<Scalar>::item() const {
  const auto view = value();
  if (view.size() != 1) fail<ShapeError>("item", "wanted one element, got shape ", view.shape());
  return view[0];
}

/// Returns the tape of an operation's inputs; empty handles, such as an omitted bias, are skipped. Throws StateError,
/// naming the operation, when the inputs are on different tapes or all are empty.
template <class Scalar, class... Vars>
Tape<Scalar>& tape_of(std::string_view operation, Var<Scalar> first, Vars... rest) {
  Tape<Scalar>* tape = nullptr;
  for (const Var<Scalar>& input : std::initializer_list<Var<Scalar>>{first, rest...}) {
    if (!input) continue;
    Tape<Scalar>& its_tape = input.tape();
    if (tape != nullptr && &its_tape != tape) fail<StateError>(operation, "inputs on different tapes");
    tape = &its_tape;
  }
  if (tape == nullptr) fail<StateError>(operation, "all inputs are empty handles");
  return *tape;
}

/// Records an operation; see Tape::record.
template <class Scalar, class Backward>
Var<Scalar> record(Tape<Scalar>& tape, std::initializer_list<Var<Scalar>> inputs, TensorView<Scalar> value,
                   const Backward& backward, std::source_location where = std::source_location::current()) {
  return tape.record(std::span<const Var<Scalar>>(inputs.begin(), inputs.size()), value, backward, where);
}

/// Adds dL/dp to the gradient of every parameter p that `loss` depends on.
template <class Scalar>
void backward(Var<Scalar> loss) {
  loss.tape().backward(loss);
}

}  // namespace heed::inline HEED_ABI
