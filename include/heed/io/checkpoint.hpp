// SPDX-License-Identifier: Apache-2.0
// Saves and loads the parameters of a module as a safetensors file with state_dict names. Requires nlohmann-json.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "heed/core/printable.hpp"
#include "heed/io/safetensors.hpp"
#include "heed/nn/module.hpp"

namespace heed::inline HEED_ABI::io {

namespace detail {

inline std::vector<Index> sizes(const Shape& shape) {
  std::vector<Index> out;
  for (int i = 0; i < shape.rank(); ++i) out.push_back(shape[i]);
  return out;
}

inline std::string text(const std::vector<Index>& sizes) {
  std::string out = "[";
  for (std::size_t i = 0; i < sizes.size(); ++i) out += message(i == 0 ? "" : ", ", sizes[i]);
  return out + "]";
}

}  // namespace detail

/// Writes every parameter of `module` in its own precision, and `metadata`. The file is replaced atomically: after an
/// IoError an existing file is unchanged. Throws StateError for a parameter that was never initialised.
template <nn::Module M>
void save(const M& module, const std::string& path, const std::map<std::string, std::string>& metadata = {}) {
  using Scalar = typename M::scalar_type;
  std::vector<TensorSource> tensors;
  nn::for_each_parameter(module, [&](const std::string& name, const Parameter<Scalar>& parameter) {
    if (!parameter.initialized()) fail<StateError>("save", name, " was never initialised: call nn::initialize");
    const std::span<const Scalar> values(parameter.value().data(), static_cast<std::size_t>(parameter.size()));
    tensors.push_back(tensor_source(name, detail::sizes(parameter.shape()), values));
  });
  write_safetensors(path, std::move(tensors), metadata);
}

/// Copies the tensors of `file` to the parameters of `module` by name; padding rows are set to zero. A double module
/// also reads F32; a float module reads F64 if narrowing is allowed. Throws one IoError that lists every tensor (up
/// to 100) that is missing, is unexpected or has another shape or type; the module is then unchanged. Values may be
/// infinite or NaN, as in PyTorch's `load_state_dict`.
template <class M>
  requires nn::Module<std::remove_reference_t<M>>
void load(M&& module, const SafetensorsFile& file, Narrowing narrowing = Narrowing::refuse) {
  using Scalar = typename std::remove_reference_t<M>::scalar_type;
  const auto readable = [&](Dtype dtype) {
    return dtype == dtype_of<Scalar>() || (dtype == Dtype::f32 && dtype_of<Scalar>() == Dtype::f64) ||
           (dtype == Dtype::f64 && narrowing == Narrowing::allow);
  };
  std::string wrong;
  int faults = 0;
  const auto add = [&](const auto&... pieces) {
    if (++faults <= 100) wrong += message("\n  ", pieces...);  // of a damaged file, not of up to 65,536 tensors
  };
  std::map<std::string, Parameter<Scalar>*> wanted;
  nn::for_each_parameter(module, [&](const std::string& name, Parameter<Scalar>& parameter) {
    if (!wanted.emplace(name, &parameter).second) add("twice in the module: ", printable(name));
    if (!file.contains(name)) {
      add("missing: ", printable(name), " ", parameter.shape());
      return;
    }
    const TensorInfo& found = file.info(name);
    if (found.shape != detail::sizes(parameter.shape())) {
      add("wrong shape: ", printable(name), " is ", detail::text(found.shape), ", wanted ", parameter.shape());
    } else if (!readable(found.dtype)) {
      add("wrong type: ", printable(name), " is ", name_of(found.dtype), ", wanted ", name_of(dtype_of<Scalar>()));
    }
  });
  for (const TensorInfo& tensor : file.tensors()) {
    if (wanted.contains(tensor.name)) continue;
    add("unexpected: ", printable(tensor.name), " ", detail::text(tensor.shape));
  }
  if (faults > 100) wrong += message("\n  and ", faults - 100, " more");
  if (!wrong.empty()) fail<IoError>("load", file.path(), " does not fit the module:", wrong);
  for (const auto& [name, parameter] : wanted) {
    file.read(name, std::span(parameter->value().data(), static_cast<std::size_t>(parameter->size())), narrowing);
    parameter->restore_zero_row();
  }
}
/// The same from a path. To read the metadata too, construct a SafetensorsFile.
template <class M>
  requires nn::Module<std::remove_reference_t<M>>
void load(M&& module, const std::string& path, Narrowing narrowing = Narrowing::refuse) {
  load(module, SafetensorsFile(path), narrowing);
}

}  // namespace heed::inline HEED_ABI::io
