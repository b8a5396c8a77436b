// SPDX-License-Identifier: Apache-2.0
// safetensors files: a validating reader and an atomic writer (format: huggingface.co/docs/safetensors). Requires
// nlohmann-json.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "heed/core/bfloat16.hpp"
#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/options.hpp"
#include "heed/core/printable.hpp"
#include "heed/core/tensor.hpp"
#include "heed/core/utf8.hpp"
#include "heed/io/atomic_file.hpp"
#include "heed/io/detail/checksum.hpp"
#include "heed/io/detail/float16.hpp"
#include "heed/io/detail/safetensors_header.hpp"
#include "heed/io/detail/xxh64.hpp"

namespace heed::inline HEED_ABI::io {

static_assert(std::endian::native == std::endian::little, "safetensors is little-endian and heed does not swap bytes");

/// Returns the element type of a file for float, double, std::int32_t or std::int64_t.
template <class T>
constexpr Dtype dtype_of() {
  if constexpr (std::is_same_v<T, float>) return Dtype::f32;
  if constexpr (std::is_same_v<T, double>) return Dtype::f64;
  if constexpr (std::is_same_v<T, std::int32_t>) return Dtype::i32;
  if constexpr (std::is_same_v<T, std::int64_t>) return Dtype::i64;
}

/// Whether F64 may be read as float, rounded to nearest (infinity beyond the range of float).
enum class Narrowing { refuse, allow };
constexpr auto names(Narrowing) { return enum_names("refuse", "allow"); }

/// Whether a tensor of type `stored` can be read as T: its own type, one that T represents exactly (F16, BF16 and F32
/// for float and double, I32 for int64_t), or F64 for float if `narrowing` allows it.
template <class T>
constexpr bool readable(Dtype stored, Narrowing narrowing = Narrowing::refuse) {
  if (stored == dtype_of<T>()) return true;
  if (std::is_same_v<T, std::int64_t>) return stored == Dtype::i32;
  return std::is_floating_point_v<T> && (stored == Dtype::f16 || stored == Dtype::bf16 || stored == Dtype::f32 ||
                                         (stored == Dtype::f64 && narrowing == Narrowing::allow));
}

/// Whether a file has heed's checksum: the entry `heed.checksum` of its metadata, `heed.xxh64:` and 16 hexadecimal
/// digits, the XXH64 (seed 0) of the whole file with these digits replaced by `0`. Other readers take it for any
/// metadata.
enum class Checksum { none, present };

/// A safetensors file in memory. All fields are validated before use, and no memory is allocated for sizes that exceed
/// the size of the file.
class SafetensorsFile {
 public:
  /// Reads all of `path`. Throws IoError when the system cannot, and DamageError with the file, the field and the fault
  /// for the first of: file shorter than 8 bytes; header above 100 MB or beyond the file; invalid UTF-8; invalid JSON,
  /// including duplicate keys, unknown fields and numbers above 2^48; offsets with holes or overlaps; sizes that
  /// overflow, are not whole bytes, or differ from the offsets; trailing bytes; above 65,536 tensors or keys of
  /// the metadata, or 64 dimensions; a checksum that differs from the content. Values are not checked: NaN and infinity
  /// are accepted.
  explicit SafetensorsFile(std::string path) : path_(std::move(path)) {
    // Without O_NONBLOCK, opening a named pipe waits for a writer.
    const int descriptor = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) bad(message("cannot open: ", std::strerror(errno)));
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(::fdopen(descriptor, "rb"), std::fclose);
    if (!file) {
      ::close(descriptor);
      throw std::bad_alloc();
    }
    struct stat facts {};
    if (::fstat(descriptor, &facts) != 0) bad(message("cannot open: ", std::strerror(errno)));
    if (!S_ISREG(facts.st_mode)) bad("is not a regular file");
    const auto size = static_cast<std::uint64_t>(facts.st_size);
    if (size < 8) bad<DamageError>(message("a header length requires 8 bytes, the file has ", size));
    std::uint64_t header_size = 0;
    read_exactly(file.get(), &header_size, 8);
    if (header_size > detail::max_header_bytes) bad<DamageError>("the header length is above 100000000 bytes");
    if (header_size > size - 8) {
      bad<DamageError>(message("the header requires ", header_size, " bytes, the file has ", size - 8));
    }
    const std::uint64_t data_size = size - 8 - header_size;
    detail::Xxh64 content;
    std::string stored;
    {
      std::string text(header_size, '\0');
      read_exactly(file.get(), text.data(), header_size);
      detail::SafetensorsHeader header = detail::parse_safetensors_header(path_, text, data_size);
      tensors_ = std::move(header.tensors);
      metadata_ = std::move(header.metadata);
      stored = detail::take_checksum(text);
      content.update(std::as_bytes(std::span(&header_size, 1)));
      content.update(std::as_bytes(std::span(text)));
    }
    for (std::size_t i = 0; i < tensors_.size(); ++i) by_name_.emplace(tensors_[i].name, i);
    data_ = std::make_unique_for_overwrite<std::byte[]>(data_size);
    read_exactly(file.get(), data_.get(), data_size);
    // The key without a value of the right form, or the value under another key, is a damaged checksum.
    const bool named = metadata_.erase(std::string(detail::checksum_key)) != 0;
    if (stored.empty() && !named) return;
    checksum_ = Checksum::present;
    content.update({data_.get(), data_size});
    const std::string found = detail::hexadecimal(content.digest());
    if (found == stored) return;
    bad<DamageError>(message("is damaged or was changed: the checksum of its content is ", found, ", the stored one (",
                             detail::checksum_key, ") ", stored.empty() ? "cannot be read" : stored));
  }

  const std::string& path() const { return path_; }
  /// All tensors, by offset.
  const std::vector<TensorInfo>& tensors() const { return tensors_; }
  /// Without the checksum.
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// The same, which is then empty here: it may be most of the file.
  std::map<std::string, std::string> take_metadata() { return std::exchange(metadata_, {}); }
  /// `none`: damage to the values would not have been noticed. A `present` checksum was verified.
  Checksum checksum() const { return checksum_; }
  bool contains(std::string_view name) const { return by_name_.contains(name); }

  /// Throws IoError if there is no tensor `name`.
  const TensorInfo& info(std::string_view name) const {
    const auto found = by_name_.find(name);
    if (found == by_name_.end()) bad(message("there is no tensor '", printable(name), "'"));
    return tensors_[found->second];
  }
  /// The bytes of tensor `name`, owned by this object. Not aligned for any type.
  std::span<const std::byte> bytes(std::string_view name) const {
    const TensorInfo& tensor = info(name);
    return {data_.get() + tensor.begin, static_cast<std::size_t>(tensor.end - tensor.begin)};
  }

  /// Copies tensor `name` into `out`, which must have its size. T is float, double, int32_t or int64_t; the stored type
  /// must be `readable` as T. Throws IoError.
  template <class T>
  void read(std::string_view name, std::span<T> out, Narrowing narrowing = Narrowing::refuse) const {
    const TensorInfo& tensor = info(name);
    if (!readable<T>(tensor.dtype, narrowing)) {
      bad(message("tensor '", printable(name), "' is ", name_of(tensor.dtype), ", which cannot be read as ",
                  name_of(dtype_of<T>()),
                  readable<T>(tensor.dtype, Narrowing::allow) ? " unless narrowing is allowed" : ""));
    }
    if (out.size() != element_count(tensor)) {
      bad(message("tensor '", printable(name), "' has ", element_count(tensor), " elements, wanted ", out.size()));
    }
    if constexpr (std::is_floating_point_v<T>) {
      if (tensor.dtype == Dtype::f16) return convert<detail::Float16>(tensor, out);
      if (tensor.dtype == Dtype::bf16) return convert<Bfloat16>(tensor, out);
      if (tensor.dtype == Dtype::f32) return convert<float>(tensor, out);
      convert<double>(tensor, out);
    } else {
      if (tensor.dtype == Dtype::i32) return convert<std::int32_t>(tensor, out);
      convert<std::int64_t>(tensor, out);
    }
  }
  /// Returns tensor `name` as a vector, row-major. Throws as above.
  template <class T>
  std::vector<T> values(std::string_view name, Narrowing narrowing = Narrowing::refuse) const {
    std::vector<T> out(element_count(info(name)));
    read<T>(name, out, narrowing);
    return out;
  }
  /// Returns tensor `name` with its shape. Throws as above, also on a shape that a Tensor cannot have, as one of more
  /// than six dimensions.
  template <class T>
  Tensor<T> tensor(std::string_view name, Narrowing narrowing = Narrowing::refuse) const {
    Tensor<T> out;
    try {
      Shape shape;
      for (const Index size : info(name).shape) shape.push_back(size);
      out = Tensor<T>(shape);
    } catch (const ShapeError& error) {
      bad(message("tensor '", printable(name), "': ", error.what()));
    }
    read<T>(name, std::span(out.data(), static_cast<std::size_t>(out.size())), narrowing);
    return out;
  }

 private:
  /// Computed from the validated offsets, which cannot overflow, unlike the product of the shape.
  static std::size_t element_count(const TensorInfo& tensor) {
    return static_cast<std::size_t>(tensor.end - tensor.begin) * 8 / dtype_facts[static_cast<int>(tensor.dtype)].bits;
  }
  template <class Stored, class T>
  void convert(const TensorInfo& tensor, std::span<T> out) const {
    const std::byte* from = data_.get() + tensor.begin;
    if constexpr (std::is_same_v<Stored, T>) {
      if (!out.empty()) std::memcpy(out.data(), from, out.size_bytes());
    } else {
      using Number = std::conditional_t<std::is_class_v<Stored>, float, Stored>;  // float16 and bfloat16 are classes
      for (std::size_t i = 0; i < out.size(); ++i) {
        Stored value;
        std::memcpy(&value, from + i * sizeof(Stored), sizeof(Stored));
        out[i] = static_cast<T>(static_cast<Number>(value));
      }
    }
  }
  void read_exactly(std::FILE* file, void* to, std::uint64_t size) const {
    if (std::fread(to, 1, size, file) != size) {
      bad(std::ferror(file) != 0 ? message("cannot read: ", std::strerror(errno)) : "the file ended while it was read");
    }
  }
  template <class Kind = IoError>
  [[noreturn]] void bad(std::string_view what) const {
    fail<Kind>("read_safetensors", path_, ": ", what);
  }

  std::string path_;
  std::vector<TensorInfo> tensors_;
  std::map<std::string_view, std::size_t> by_name_;  // the names in tensors_, whose elements no move moves
  std::map<std::string, std::string> metadata_;
  Checksum checksum_ = Checksum::none;
  std::unique_ptr<std::byte[]> data_;
};

/// A tensor to be written. The elements, row-major, are not owned.
struct TensorSource {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<Index> shape;
  std::span<const std::byte> bytes;
};

/// Returns a source with float, double, int32_t or int64_t elements, which must outlive it.
template <class T>
TensorSource tensor_source(std::string name, std::vector<Index> shape, std::span<const T> values) {
  return {std::move(name), dtype_of<T>(), std::move(shape), std::as_bytes(values)};
}

/// Writes `path`: tensors by decreasing alignment, then by name; header padded with spaces to a multiple of 8. The
/// bytes are reproducible and, without a checksum, equal to those of the reference implementation. Replaces the file
/// atomically: after an IoError an existing file is unchanged. Names must be unique; names and metadata must be UTF-8,
/// and no key of the metadata may be `heed.checksum`.
inline void write_safetensors(const std::string& path, std::vector<TensorSource> tensors,
                              std::map<std::string, std::string> metadata = {}, Checksum checksum = Checksum::present) {
  const std::string operation = "write_safetensors";
  const auto quoted = [&](const std::string& text) {
    if (heed::detail::utf8_valid_prefix(text) != text.size()) {
      fail<IoError>(operation, path, ": '", printable(text), "' is not UTF-8");
    }
    return nlohmann::json(text).dump();
  };
  std::sort(tensors.begin(), tensors.end(), [](const TensorSource& a, const TensorSource& b) {
    return a.dtype != b.dtype ? a.dtype > b.dtype : a.name < b.name;
  });
  if (metadata.contains(std::string(detail::checksum_key))) {
    fail<IoError>(operation, path, ": the metadata key ", detail::checksum_key, " is reserved");
  }
  if (checksum == Checksum::present) metadata.emplace(detail::checksum_key, detail::checksum_value(0));

  std::string header = "{";
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata) header += quoted(key) + ":" + quoted(value) + ",";
    header.back() = '}';
    header += ',';
  }
  std::set<std::string_view> names{"__metadata__"};
  std::size_t end = 0;
  for (const TensorSource& tensor : tensors) {
    const auto complain = [&](std::string_view what) {
      fail<IoError>(operation, path, ": tensor '", printable(tensor.name), "': ", what);
    };
    if (!names.insert(tensor.name).second) complain("the name is taken");
    if (std::any_of(tensor.shape.begin(), tensor.shape.end(), [](Index n) { return n < 0; }))
      complain("negative shape");
    if (detail::checked_bytes(tensor.shape, tensor.dtype, complain) != tensor.bytes.size()) {
      complain(message(tensor.bytes.size(), " bytes do not fill its shape"));
    }
    header += message(quoted(tensor.name), ":{\"dtype\":\"", name_of(tensor.dtype), "\",\"shape\":[");
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) header += message(i == 0 ? "" : ",", tensor.shape[i]);
    header += message("],\"data_offsets\":[", end, ",", end + tensor.bytes.size(), "]},");
    end += tensor.bytes.size();
  }
  if (header.back() == ',') header.pop_back();
  header += '}';
  header.append((8 - header.size() % 8) % 8, ' ');
  if (header.size() > detail::max_header_bytes) fail<IoError>(operation, path, ": the header exceeds 100 MB");
  if (tensors.size() > detail::max_tensors || metadata.size() > detail::max_metadata) {
    fail<IoError>(operation, path, ": more than ", detail::max_tensors, " tensors or keys of the metadata");
  }
  const std::uint64_t length = header.size();
  if (checksum == Checksum::present) {
    detail::Xxh64 content;
    content.update(std::as_bytes(std::span(&length, 1)));
    content.update(std::as_bytes(std::span(header)));
    for (const TensorSource& tensor : tensors) content.update(tensor.bytes);
    if (!detail::set_checksum(header, content.digest())) {
      fail<IoError>(operation, path, ": a name or a value of the metadata has the form of a checksum");
    }
  }

  AtomicFile file(operation, path);
  file.write({reinterpret_cast<const char*>(&length), sizeof(length)});
  file.write(header);
  for (const TensorSource& tensor : tensors) {
    file.write({reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()});
  }
  file.commit();
}

}  // namespace heed::inline HEED_ABI::io
