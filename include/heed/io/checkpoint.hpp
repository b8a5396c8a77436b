// SPDX-License-Identifier: Apache-2.0
// Saves and loads the parameters of a module as a safetensors file with state_dict names. Requires nlohmann-json.
#pragma once

#include <charconv>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
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

/// Throws IoError unless the format of `file` is `known`, which ends in its version: "heed.recommender.2".
inline void check_format(std::string_view operation, const SafetensorsFile& file, std::string_view known) {
  const auto found = file.metadata().find("format");
  const std::string_view format = found == file.metadata().end() ? std::string_view() : found->second;
  if (format == known) return;
  const auto version_of = [kind = known.substr(0, known.rfind('.') + 1)](std::string_view text) {
    int version = -1;  // of another kind
    if (!text.starts_with(kind)) return version;
    const char* const end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data() + kind.size(), end, version);
    return error == std::errc() && last == end ? version : -1;
  };
  const bool newer = version_of(format) > version_of(known);
  fail<IoError>(operation, file.path(), ": metadata 'format' is ", newer ? "of a newer version of heed: " : "'",
                printable(format), newer ? ", this one reads " : "', wanted ", known);
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
/// also reads F32; a float module reads F64 if narrowing is allowed. Throws one IoError that lists every tensor that is
/// missing, is unexpected or has another shape or type; the module is then unchanged. Values may be infinite or NaN, as
/// in PyTorch's `load_state_dict`.
template <class M>
  requires nn::Module<std::remove_reference_t<M>>
void load(M&& module, const SafetensorsFile& file, Narrowing narrowing = Narrowing::refuse) {
  using Scalar = typename std::remove_reference_t<M>::scalar_type;
  const auto readable = [&](Dtype dtype) {
    return dtype == dtype_of<Scalar>() || (dtype == Dtype::f32 && dtype_of<Scalar>() == Dtype::f64) ||
           (dtype == Dtype::f64 && narrowing == Narrowing::allow);
  };
  std::string wrong;
  std::map<std::string, Parameter<Scalar>*> wanted;
  nn::for_each_parameter(module, [&](const std::string& name, Parameter<Scalar>& parameter) {
    if (!wanted.emplace(name, &parameter).second) wrong += message("\n  twice in the module: ", printable(name));
    if (!file.contains(name)) {
      wrong += message("\n  missing: ", printable(name), " ", to_string(parameter.shape()));
      return;
    }
    const TensorInfo& found = file.info(name);
    if (found.shape != detail::sizes(parameter.shape())) {
      wrong += message("\n  wrong shape: ", printable(name), " is ", detail::text(found.shape), ", wanted ",
                       to_string(parameter.shape()));
    } else if (!readable(found.dtype)) {
      wrong += message("\n  wrong type: ", printable(name), " is ", name_of(found.dtype), ", wanted ",
                       name_of(dtype_of<Scalar>()));
    }
  });
  for (const TensorInfo& tensor : file.tensors()) {
    if (wanted.contains(tensor.name)) continue;
    wrong += message("\n  unexpected: ", printable(tensor.name), " ", detail::text(tensor.shape));
  }
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
