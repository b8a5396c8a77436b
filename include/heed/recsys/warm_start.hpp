// SPDX-License-Identifier: Apache-2.0
// Initialises a model from an earlier one when the catalogue has changed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/core/options.hpp"
#include "heed/data/vocabulary.hpp"
#include "heed/nn/module.hpp"
#include "heed/optim/optimizer.hpp"

namespace heed::inline HEED_ABI::recsys {

/// The initial vector of an item, feature or kind that the earlier model does not have.
enum class NewItems {
  fresh,  ///< unchanged: the initial values of the new model
  mean    ///< the mean of the known vectors; for an item, of those with the same feature if any
};
constexpr auto names(NewItems) { return enum_names("fresh", "mean"); }

/// `items`, `features` and `kinds` map each id of the earlier model to the id in the new one, -1 if removed (see
/// data::renumbering); empty: unchanged.
struct WarmStartOptions {
  std::span<const data::Id> items{};     ///< of the rows of `items.weight` and `item_bias`
  std::span<const data::Id> features{};  ///< of `features.weight`
  std::span<const data::Id> kinds{};     ///< of `kinds.weight`
  NewItems new_items = NewItems::fresh;
  std::span<const data::Id> item_features{};  ///< [items of the new model], -1 for none; or empty

  void fields(auto&& visitor) {
    visitor("items", items, "features", features, "kinds", kinds, "new_items", new_items, "item_features",
            item_features);
  }
};

namespace detail {

inline bool ends_with_name(std::string_view path, std::string_view name) {
  return path.ends_with(name) && (path.size() == name.size() || path[path.size() - name.size() - 1] == '.');
}

/// An array to copy from the earlier model to the new one.
template <class Scalar>
struct Carried {
  const Tensor<Scalar>* from;
  Tensor<Scalar>* to;
  std::span<const data::Id> numbers{};  ///< new index of each row; empty: the whole array is copied
  bool items = false;                   ///< its rows are items

  Index rows() const { return to->shape()[0]; }
  Index width() const { return to->size() / rows(); }

  void copy() const {
    if (numbers.empty()) std::copy_n(from->data(), from->size(), to->data());
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (numbers[i] >= 0) {
        std::copy_n(from->data() + static_cast<Index>(i) * width(), width(), to->data() + numbers[i] * width());
      }
    }
  }

  /// Sets rows that were not copied to means of copied rows.
  void fill_new(std::span<const data::Id> features) const {
    std::vector<char> known(static_cast<std::size_t>(rows()));
    for (const data::Id number : numbers) {
      if (number >= 0) known[static_cast<std::size_t>(number)] = 1;
    }
    // Group 0 has all rows, 1 + f those of feature f.
    const auto group = [&](Index r) -> Index {
      return features.empty() ? 0 : 1 + std::max<data::Id>(features[static_cast<std::size_t>(r)], -1);
    };
    Index groups = 1;
    for (Index r = 0; r < rows(); ++r) groups = std::max(groups, group(r) + 1);
    Tensor<double> sums({groups, width()});
    std::vector<double> counts(static_cast<std::size_t>(groups));
    const auto add = [&](Index r, Index g) {
      for (Index j = 0; j < width(); ++j) sums(g, j) += static_cast<double>(to->data()[r * width() + j]);
      ++counts[static_cast<std::size_t>(g)];
    };
    for (Index r = 0; r < rows(); ++r) {
      if (!known[static_cast<std::size_t>(r)]) continue;
      add(r, 0);
      if (group(r) > 0) add(r, group(r));
    }
    if (counts[0] == 0) return;
    for (Index r = 0; r < rows(); ++r) {
      if (known[static_cast<std::size_t>(r)]) continue;
      const Index g = counts[static_cast<std::size_t>(group(r))] > 0 ? group(r) : 0;
      const double count = counts[static_cast<std::size_t>(g)];
      for (Index j = 0; j < width(); ++j) to->data()[r * width() + j] = static_cast<Scalar>(sums(g, j) / count);
    }
  }
};

/// Throws ShapeError or IndexError unless `numbers` maps the rows of `from` to distinct rows of `to`, or to -1.
inline void check_numbers(std::string_view path, std::span<const data::Id> numbers, Index from, Index to) {
  if (std::ssize(numbers) != from) {
    fail<ShapeError>("warm_start", path, ": ", numbers.size(), " numbers for ", from, " rows");
  }
  std::vector<char> taken(static_cast<std::size_t>(to));
  for (const data::Id number : numbers) {
    if (number < -1 || number >= to) {
      fail<IndexError>("warm_start", path, ": number ", number, " of ", to, " rows");
    }
    if (number >= 0 && taken[static_cast<std::size_t>(number)]++ != 0) {
      fail<IndexError>("warm_start", path, ": number ", number, " twice");
    }
  }
}

/// Returns how to copy the array of this path; `to` is null if it cannot be copied.
template <class Scalar>
Carried<Scalar> carried(std::string_view path, const Tensor<Scalar>& from, Tensor<Scalar>& to,
                        const WarmStartOptions& options) {
  Carried<Scalar> out{&from, &to};
  out.items = ends_with_name(path, "items.weight") || ends_with_name(path, "item_bias");
  if (out.items) out.numbers = options.items;
  if (ends_with_name(path, "features.weight")) out.numbers = options.features;
  if (ends_with_name(path, "kinds.weight")) out.numbers = options.kinds;
  const Shape a = from.shape(), b = to.shape();
  if (out.numbers.empty()) {
    if (a != b) out.to = nullptr;
  } else if (a.rank() != b.rank() || (a.rank() == 2 && a[1] != b[1])) {
    out.to = nullptr;
  } else {
    check_numbers(path, out.numbers, a[0], b[0]);
  }
  return out;
}

}  // namespace detail

/// Copies the weights of `yesterday`, an earlier model, to `today` by path: whole tensors of equal shape, and row by
/// row those whose rows are renumbered. Returns the paths of `today` that keep their initial values: missing in
/// `yesterday`, or of another shape. Throws ShapeError or IndexError, changing nothing, when the numbers do not fit;
/// StateError when `today` is not initialised.
template <nn::Module To, nn::Module From>
std::vector<std::string> warm_start(To& today, From& yesterday, const WarmStartOptions& options) {
  using Scalar = typename To::scalar_type;
  std::vector<detail::Carried<Scalar>> all;
  std::vector<std::string> fresh;
  const auto old = nn::parameters(yesterday), now = nn::parameters(today);
  for (const auto& [path, parameter] : now) {
    if (!parameter->initialized()) {
      fail<StateError>("warm_start", path, " was never initialised: call nn::initialize for what is not copied");
    }
    const auto same = std::find_if(old.begin(), old.end(), [&, &path = path](const auto& o) { return o.name == path; });
    if (same != old.end()) {
      all.push_back(detail::carried(path, std::as_const(*same->parameter).value(), parameter->value(), options));
    }
    if (same == old.end() || all.back().to == nullptr) {
      fresh.push_back(path);
      continue;
    }
    if (all.back().items && !options.item_features.empty() && std::ssize(options.item_features) != all.back().rows()) {
      fail<ShapeError>("warm_start", options.item_features.size(), " features for ", all.back().rows(), " items of ",
                       path);
    }
  }
  for (const auto& one : all) {
    if (one.to == nullptr) continue;
    one.copy();
    if (one.numbers.empty() || options.new_items != NewItems::mean) continue;
    one.fill_new(one.items ? options.item_features : std::span<const data::Id>{});
  }
  for (const auto& named : now) named.parameter->restore_zero_row();
  return fresh;
}

/// The same for the state of two optimisers of those weights, including their steps; new rows keep their initial state.
/// Errors as above.
template <class Scalar>
void warm_start(optim::Optimizer<Scalar>& today, optim::Optimizer<Scalar>& yesterday, const WarmStartOptions& options) {
  std::vector<detail::Carried<Scalar>> all;
  const auto old = yesterday.state();
  for (const auto& [name, value] : today.state()) {
    const auto same = std::find_if(old.begin(), old.end(), [&, &name = name](const auto& o) { return o.name == name; });
    if (same == old.end()) continue;
    const std::string_view path = std::string_view(name).substr(0, name.rfind('.'));
    all.push_back(detail::carried(path, std::as_const(*same->value), *value, options));
  }
  for (const auto& one : all) {
    if (one.to != nullptr) one.copy();
  }
  today.set_steps(yesterday.steps());
}

}  // namespace heed::inline HEED_ABI::recsys
