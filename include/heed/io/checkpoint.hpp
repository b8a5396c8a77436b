// SPDX-License-Identifier: Apache-2.0
// Saves and loads the parameters of a module as a safetensors file with state_dict names. Requires nlohmann-json.
#pragma once

#include <charconv>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include "heed/core/options.hpp"
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

/// Returns the version of the format of `file`: that of `known`, which ends in it ("heed.recommender.3"), or an older
/// one from `oldest` on. Throws IoError for any other format.
inline int check_format(std::string_view operation, const SafetensorsFile& file, std::string_view known,
                        std::optional<int> oldest = {}) {
  const auto found = file.metadata().find("format");
  const std::string_view format = found == file.metadata().end() ? std::string_view() : found->second;
  const auto version_of = [kind = known.substr(0, known.rfind('.') + 1)](std::string_view text) {
    int version = -1;  // of another kind
    if (!text.starts_with(kind)) return version;
    const char* const end = text.data() + text.size();
    const auto [last, error] = std::from_chars(text.data() + kind.size(), end, version);
    return error == std::errc() && last == end ? version : -1;
  };
  const int version = version_of(format), newest = version_of(known);
  if (version >= oldest.value_or(newest) && version <= newest) return version;
  const bool newer = version > newest;
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

/// Which tensor of a file belongs to which parameter of a module, and what may be left over.
struct LoadOptions {
  /// Removed from the names of tensors; a tensor without it is unexpected.
  std::string prefix = "";
  /// From names of tensors, without the prefix, to names of parameters. A name that is not there is an error.
  std::map<std::string, std::string> rename{};
  /// Whether a missing or an unexpected tensor is an error; otherwise both are only reported.
  bool strict = true;
  /// Whether a float module reads F64.
  Narrowing narrowing = Narrowing::refuse;

  void fields(auto&& visitor) { visitor("prefix", prefix, "rename", rename, "strict", strict, "narrowing", narrowing); }
};

/// What a load has done.
struct LoadReport {
  std::vector<std::string> loaded;      ///< parameters
  std::vector<std::string> missing;     ///< parameters without a tensor, which are as before
  std::vector<std::string> unexpected;  ///< tensors without a parameter, by their names in the file
};

/// "loaded 3 of 4 parameters", and a line for each name that is missing or unexpected.
inline std::string to_string(const LoadReport& report) {
  const std::size_t loaded = report.loaded.size();
  std::string out = message("loaded ", loaded, " of ", loaded + report.missing.size(), " parameters");
  for (const std::string& name : report.missing) out += message("\n  missing: ", printable(name));
  for (const std::string& name : report.unexpected) out += message("\n  unexpected: ", printable(name));
  return out;
}

/// Copies the tensors of `file` to the parameters of `module` by name; padding rows are set to zero. F16, BF16 and F32
/// are read exactly, F64 by a double module or if narrowing is allowed. Throws one IoError that lists everything (up
/// to 100) that is missing or unexpected (if `strict`), has another shape or type, fits twice, or is not there to be
/// renamed; the module is then unchanged. Values may be infinite or NaN, as in PyTorch's `load_state_dict`.
template <class M>
  requires nn::Module<std::remove_reference_t<M>>
LoadReport load(M&& module, const SafetensorsFile& file, const LoadOptions& options = {}) {
  using Scalar = typename std::remove_reference_t<M>::scalar_type;
  const auto parameters = nn::parameters(module);
  LoadReport report;
  std::string wrong;
  int faults = 0;
  const auto add = [&](const auto&... pieces) {
    if (++faults <= 100) wrong += message("\n  ", pieces...);  // of a damaged file, not of up to 65,536 tensors
  };

  std::map<std::string_view, const TensorInfo*> sources;  // by parameter
  for (const auto& [name, parameter] : parameters) {
    if (!sources.emplace(name, nullptr).second) add("twice in the module: ", printable(name));
  }
  bool prefixed = options.prefix.empty();
  for (const TensorInfo& tensor : file.tensors()) {
    auto source = sources.end();
    if (tensor.name.starts_with(options.prefix)) {
      prefixed = true;
      const std::string name = tensor.name.substr(options.prefix.size());
      const auto renamed = options.rename.find(name);
      source = sources.find(renamed == options.rename.end() ? name : renamed->second);
    }
    if (source == sources.end()) {
      report.unexpected.push_back(tensor.name);
    } else if (const TensorInfo* other = std::exchange(source->second, &tensor); other != nullptr) {
      add("twice in the file: ", printable(source->first), ", as ", printable(other->name), " and as ",
          printable(tensor.name));
    }
  }
  if (!prefixed) add("prefix: no tensor begins with ", printable(options.prefix));
  for (const auto& [from, to] : options.rename) {
    if (!file.contains(options.prefix + from)) add("rename: there is no tensor ", printable(options.prefix + from));
    if (!sources.contains(to)) add("rename: there is no parameter ", printable(to));
  }
  for (const auto& [name, parameter] : parameters) {
    const TensorInfo* source = sources.at(name);
    (source == nullptr ? report.missing : report.loaded).push_back(name);
    if (source == nullptr) {
      if (options.strict) add("missing: ", printable(name), " ", parameter->shape());
    } else if (source->shape != detail::sizes(parameter->shape())) {
      add("wrong shape: ", printable(name), " is ", detail::text(source->shape), ", wanted ", parameter->shape());
    } else if (!readable<Scalar>(source->dtype, options.narrowing)) {
      add("wrong type: ", printable(name), " is ", name_of(source->dtype), ", wanted ", name_of(dtype_of<Scalar>()));
    }
  }
  if (options.strict) {
    for (const std::string& name : report.unexpected) {
      add("unexpected: ", printable(name), " ", detail::text(file.info(name).shape));
    }
  }
  if (faults > 100) wrong += message("\n  and ", faults - 100, " more");
  if (!wrong.empty()) fail<IoError>("load", file.path(), " does not fit the module:", wrong);

  // Allocates, so that nothing fails below.
  for (const auto& [name, parameter] : parameters) {
    if (sources.at(name) != nullptr) std::as_const(*parameter).value();
  }
  for (const auto& [name, parameter] : parameters) {
    const TensorInfo* source = sources.at(name);
    if (source == nullptr) continue;
    file.read(source->name, std::span(parameter->value().data(), static_cast<std::size_t>(parameter->size())),
              options.narrowing);
    parameter->restore_zero_row();
  }
  return report;
}
/// The same from a path. To read the metadata too, construct a SafetensorsFile.
template <class M>
  requires nn::Module<std::remove_reference_t<M>>
LoadReport load(M&& module, const std::string& path, const LoadOptions& options = {}) {
  return load(module, SafetensorsFile(path), options);
}

}  // namespace heed::inline HEED_ABI::io
