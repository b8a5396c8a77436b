// SPDX-License-Identifier: Apache-2.0
// Today's model from yesterday's, when the catalogue has changed.
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

/// Where the vector of an item, a feature or a kind that yesterday did not know starts.
enum class NewItems {
  fresh,  ///< where it is: today's first values
  mean    ///< at the mean of the known ones', of an item at that of those of its feature where there are any
};
constexpr auto names(NewItems) { return enum_names("fresh", "mean"); }

/// `items`, `features` and `kinds` give today's number of each of yesterday's, -1 for what is gone (see
/// data::renumbering); empty: nothing has changed.
struct WarmStartOptions {
  std::span<const data::Id> items{};     ///< of the rows of `items.weight` and `item_bias`
  std::span<const data::Id> features{};  ///< of `features.weight`
  std::span<const data::Id> kinds{};     ///< of `kinds.weight`
  NewItems new_items = NewItems::fresh;
  std::span<const data::Id> item_features{};  ///< [today's items], -1 for none; or empty

  void fields(auto&& visitor) {
    visitor("items", items, "features", features, "kinds", kinds, "new_items", new_items, "item_features",
            item_features);
  }
};

namespace detail {

inline bool ends_with_name(std::string_view path, std::string_view name) {
  return path.ends_with(name) && (path.size() == name.size() || path[path.size() - name.size() - 1] == '.');
}

/// One array that goes from yesterday to today.
template <class Scalar>
struct Carried {
  const Tensor<Scalar>* from;
  Tensor<Scalar>* to;
  std::span<const data::Id> numbers{};  ///< of its rows; empty: all of it
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

  /// Rows that nothing was copied to, at means of those where something was.
  void fill_new(std::span<const data::Id> features) const {
    std::vector<char> known(static_cast<std::size_t>(rows()));
    for (const data::Id number : numbers) {
      if (number >= 0) known[static_cast<std::size_t>(number)] = 1;
    }
    // Group 0 is everybody, 1 + f are those of feature f.
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

/// `numbers` number the rows of `from` in `to`. Throws ShapeError or IndexError otherwise.
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

/// How an array of this path goes from yesterday to today; `to` is null when it does not.
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

/// Copies the weights of `yesterday` into `today` by their paths: all of one whose shape is the same, row by row of one
/// whose rows have been numbered anew. Gives the paths of `today` that keep their first values: yesterday had none, or
/// of another shape. Throws, and changes nothing, when numbers do not fit: ShapeError or IndexError.
template <nn::Module To, nn::Module From>
std::vector<std::string> warm_start(To& today, From& yesterday, const WarmStartOptions& options) {
  using Scalar = typename To::scalar_type;
  std::vector<detail::Carried<Scalar>> all;
  std::vector<std::string> fresh;
  const auto old = nn::parameters(yesterday), now = nn::parameters(today);
  for (const auto& [path, parameter] : now) {
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

/// The same for what two optimisers of those weights remember, their steps included; new rows have no past. Errors as
/// there.
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
