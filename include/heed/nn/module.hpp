// SPDX-License-Identifier: Apache-2.0
// Modules: structs that list their parameters, and functions of this list.
#pragma once

#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "heed/autograd/parameter_list.hpp"

namespace heed::inline HEED_ABI::nn {

/// A module lists its parameters and submodules, in a fixed order and with PyTorch's `state_dict` names, in one member
/// function: `void visit(auto&& visitor) { visitor("weight", weight); .. }`. Names, counts, initialisation, optimiser
/// groups and checkpoints derive from it. It also defines the type of elements: `using scalar_type = float;`.
template <class T>
concept Module = requires(T& module) {
  typename T::scalar_type;
  module.visit([](std::string_view, auto&) {});
};

namespace detail {

/// Not inlined: otherwise it is compiled into every visitor of every module.
[[gnu::noinline]] inline std::string path_of(const std::string& prefix, std::string_view name, const char* end = "") {
  std::string out = prefix;
  out += name;
  out += end;
  return out;
}

[[gnu::noinline]] inline std::string path_of(std::string_view list, std::size_t i) {
  return path_of(std::string(list) + ".", std::to_string(i));
}

template <class F>
struct PathVisitor {
  F& f;
  std::string prefix;

  template <class Scalar>
  void operator()(std::string_view name, Parameter<Scalar>& parameter) const {
    f(path_of(prefix, name), parameter);
  }
  template <Module M>
  void operator()(std::string_view name, M& module) const {
    module.visit(PathVisitor{f, path_of(prefix, name, ".")});
  }
  template <class T>
  void operator()(std::string_view name, std::vector<T>& list) const {
    for (std::size_t i = 0; i < list.size(); ++i) (*this)(path_of(name, i), list[i]);
  }
};

}  // namespace detail

/// Calls `f(path, parameter)` for every parameter of a module, for example with path "encoder.weight_ih_l0".
template <Module M, class F>
void for_each_parameter(M& module, F&& f) {
  module.visit(detail::PathVisitor<std::remove_reference_t<F>>{f, ""});
}
/// The same for a const module: `f` takes a const parameter.
template <Module M, class F>
void for_each_parameter(const M& module, F&& f) {
  // visit is not const, but it only passes on references, and f receives const ones.
  for_each_parameter(const_cast<M&>(module),
                     [&](const std::string& path, const auto& parameter) { f(path, parameter); });
}

/// Combines several modules into one, with the names "0", "1", ..
template <Module... Ms>
struct Modules {
  using scalar_type = typename std::tuple_element_t<0, std::tuple<Ms...>>::scalar_type;
  std::tuple<Ms&...> members;

  void visit(auto&& visitor) {
    std::apply(
        [&](auto&... module) {
          std::size_t i = 0;
          (visitor(std::to_string(i++), module), ...);
        },
        members);
  }
};

template <Module... Ms>
Modules<Ms...> modules(Ms&... members) {
  return {std::tie(members...)};
}

/// Returns all parameters with their paths; for several modules, the paths begin with "0.", "1.", ..
template <Module M>
ParameterList<typename M::scalar_type> parameters(M& module) {
  ParameterList<typename M::scalar_type> out;
  for_each_parameter(module, [&](std::string path, auto& parameter) { out.push_back({std::move(path), &parameter}); });
  return out;
}
template <Module First, Module Second, Module... Rest>
auto parameters(First& first, Second& second, Rest&... rest) {
  auto all = modules(first, second, rest...);
  return parameters(all);
}

/// Returns the number of trainable elements.
template <Module M>
Index parameter_count(const M& module) {
  Index count = 0;
  for_each_parameter(module, [&](const std::string&, const auto& parameter) { count += parameter.size(); });
  return count;
}

}  // namespace heed::inline HEED_ABI::nn
