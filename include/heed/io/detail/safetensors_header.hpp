// SPDX-License-Identifier: Apache-2.0
// Parses and validates the JSON header of a safetensors file, without a document tree.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/printable.hpp"
#include "heed/core/utf8.hpp"

namespace heed::inline HEED_ABI::io {

// clang-format off
/// Element types of the format, ordered by increasing alignment.
enum class Dtype {
  boolean, f4, f6_e2m3, f6_e3m2, u8, i8, f8_e5m2, f8_e4m3, f8_e8m0, f8_e4m3fnuz, f8_e5m2fnuz,
  i16, u16, f16, bf16, i32, u32, f32, c64, f64, i64, u64
};
// clang-format on

struct DtypeFacts {
  std::string_view name;  ///< as in the header
  std::uint64_t bits;     ///< per element
};

inline constexpr DtypeFacts dtype_facts[] = {
    {"BOOL", 8},    {"F4", 4},      {"F6_E2M3", 6}, {"F6_E3M2", 6},     {"U8", 8},          {"I8", 8},
    {"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8}, {"I16", 16},
    {"U16", 16},    {"F16", 16},    {"BF16", 16},   {"I32", 32},        {"U32", 32},        {"F32", 32},
    {"C64", 64},    {"F64", 64},    {"I64", 64},    {"U64", 64}};

/// Returns `"F32"` and so on.
inline constexpr std::string_view name_of(Dtype dtype) { return dtype_facts[static_cast<int>(dtype)].name; }

/// One tensor of a file.
struct TensorInfo {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<Index> shape;  ///< row-major; empty for a scalar; any rank
  Index begin = 0, end = 0;  ///< byte range, relative to the end of the header
};

namespace detail {

inline constexpr std::uint64_t max_header_bytes = 100'000'000;
// A tensor of the header takes several times the memory of its text, and so does a dimension.
inline constexpr std::size_t max_tensors = 65'536, max_dimensions = 64;
inline constexpr std::uint64_t max_header_number = std::uint64_t{1} << 48;

struct SafetensorsHeader {
  std::vector<TensorInfo> tensors;  ///< by offset
  std::map<std::string, std::string> metadata;
};

/// Returns the number of bytes of a tensor; `complain(text)` must throw.
template <class Complain>
std::uint64_t checked_bytes(const std::vector<Index>& shape, Dtype dtype, const Complain& complain) {
  std::uint64_t size = 1;
  for (Index n : shape) {
    if (__builtin_mul_overflow(size, static_cast<std::uint64_t>(n), &size)) complain("the product of shape overflows");
  }
  if (__builtin_mul_overflow(size, dtype_facts[static_cast<int>(dtype)].bits, &size)) {
    complain("the size in bits overflows");
  }
  if (size % 8 != 0) complain(message("shape and dtype ", name_of(dtype), " make ", size, " bits, not whole bytes"));
  return size / 8;
}

/// Converts the parser's events to a SafetensorsHeader, without recursion or a tree of up to ten million nodes; detects
/// duplicate keys, which a document tree would drop. Anything outside the format is an error.
class HeaderEvents {
 public:
  explicit HeaderEvents(const std::string& path) : path_(path) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool start_object(std::size_t) {
    if (place_ == Place::outside) return go(Place::top);
    if (place_ == Place::top_value) return go(key_ == "__metadata__" ? Place::metadata : Place::tensor);
    return unexpected("an object");
  }
  bool key(std::string& text) {
    switch (place_) {
      case Place::top:
        if (!names_.insert(text).second) return complain("the name appears twice", text);
        key_ = text;
        if (text != "__metadata__") {
          if (header_.tensors.size() == max_tensors) return complain(message("more than ", max_tensors, " tensors"));
          header_.tensors.push_back({.name = text, .shape = {}});
          seen_ = 0;
        }
        return go(Place::top_value);
      case Place::metadata:
        if (header_.metadata.contains(text)) return complain(message("the key '", printable(text), "' appears twice"));
        field_ = text;
        return go(Place::metadata_value);
      default:  // Place::tensor: the parser reports keys in objects only
        if (text == "dtype") return field(dtype_seen, Place::dtype, text);
        if (text == "shape") return field(shape_seen, Place::shape, text);
        if (text == "data_offsets") return field(offsets_seen, Place::offsets, text);
        return complain(message("unknown field '", printable(text), "'"));
    }
  }
  bool string(std::string& text) {
    if (place_ == Place::metadata_value) {
      header_.metadata.emplace(field_, text);
      return go(Place::metadata);
    }
    if (place_ != Place::dtype) return unexpected("a string");
    const auto* found = std::find_if(std::begin(dtype_facts), std::end(dtype_facts),
                                     [&](const DtypeFacts& facts) { return facts.name == text; });
    if (found == std::end(dtype_facts)) return complain(message("unknown dtype '", printable(text), "'"));
    header_.tensors.back().dtype = static_cast<Dtype>(found - dtype_facts);
    return go(Place::tensor);
  }
  bool start_array(std::size_t) {
    if (place_ == Place::shape) return go(Place::shape_values);
    if (place_ != Place::offsets) return unexpected("an array");
    offsets_ = 0;
    return go(Place::offset_values);
  }
  bool number_unsigned(std::uint64_t value) {
    if (place_ != Place::shape_values && place_ != Place::offset_values) return unexpected("a number");
    if (value > max_header_number) return complain(message(field_, " has a number above 2^48"));
    TensorInfo& tensor = header_.tensors.back();
    const auto number = static_cast<Index>(value);
    if (place_ == Place::shape_values) {
      if (tensor.shape.size() == max_dimensions) {
        return complain(message("shape has more than ", max_dimensions, " dimensions"));
      }
      tensor.shape.push_back(number);
    } else {
      if (offsets_ >= 2) return complain("data_offsets has more than two numbers");
      (offsets_++ == 0 ? tensor.begin : tensor.end) = number;
    }
    return true;
  }
  bool end_array() {
    if (place_ == Place::offset_values && offsets_ != 2) return complain("data_offsets needs [begin, end]");
    return go(Place::tensor);
  }
  bool end_object() {
    if (place_ == Place::tensor && seen_ != (dtype_seen | shape_seen | offsets_seen)) {
      return complain("needs dtype, shape and data_offsets");
    }
    return go(place_ == Place::top ? Place::outside : Place::top);
  }
  bool number_integer(std::int64_t) { return unexpected("a negative number"); }
  bool number_float(double, const std::string&) { return unexpected("a fraction or a number beyond 64 bits"); }
  bool boolean(bool) { return unexpected("a boolean"); }
  bool null() { return unexpected("null"); }
  bool binary(nlohmann::json::binary_t&) { return unexpected("binary"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception& error) {
    fail<DamageError>("read_safetensors", path_, ": invalid JSON at header byte ", position, ": ",
                      printable(error.what()));
  }

 private:
  enum class Place {
    outside,
    top,
    top_value,
    metadata,
    metadata_value,
    tensor,
    dtype,
    shape,
    shape_values,
    offsets,
    offset_values
  };
  static constexpr unsigned dtype_seen = 1, shape_seen = 2, offsets_seen = 4;

  bool go(Place place) {
    place_ = place;
    return true;
  }
  bool field(unsigned bit, Place place, const std::string& name) {
    if ((seen_ & bit) != 0) return complain(message("the field '", name, "' appears twice"));
    seen_ |= bit;
    field_ = name;
    return go(place);
  }
  [[noreturn]] bool complain(std::string_view what, std::string_view name) const {
    fail<DamageError>("read_safetensors", path_, ": header entry '", printable(name), "': ", what);
  }
  [[noreturn]] bool complain(std::string_view what) const { complain(what, key_); }
  [[noreturn]] bool unexpected(std::string_view what) const {
    if (key_.empty()) fail<DamageError>("read_safetensors", path_, ": the header is not an object but ", what);
    complain(message(what, " where the format has none"));
  }

  const std::string& path_;
  SafetensorsHeader header_;
  std::set<std::string, std::less<>> names_;
  std::string key_;    // the entry
  std::string field_;  // the key inside the entry
  Place place_ = Place::outside;
  unsigned seen_ = 0;
  int offsets_ = 0;
};

/// Parses and validates the header `text` of `path`, whose tensors have `data_bytes` bytes in total. Throws
/// DamageError.
inline SafetensorsHeader parse_safetensors_header(const std::string& path, std::string_view text,
                                                  std::uint64_t data_bytes) {
  const std::size_t valid = heed::detail::utf8_valid_prefix(text);
  if (valid != text.size()) {
    fail<DamageError>("read_safetensors", path, ": invalid UTF-8 at header byte ", valid);
  }
  // The parser accepts a byte-order mark before the text and treats NUL as its end.
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{' || text.find('\0') != std::string_view::npos) {
    fail<DamageError>("read_safetensors", path, ": invalid JSON: the header is not an object that begins with {");
  }
  HeaderEvents events(path);
  nlohmann::json::sax_parse(text, &events);
  SafetensorsHeader header = events.take();

  std::sort(header.tensors.begin(), header.tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  Index end = 0;
  for (const TensorInfo& tensor : header.tensors) {
    const auto complain = [&](std::string_view what) {
      fail<DamageError>("read_safetensors", path, ": tensor '", printable(tensor.name), "': ", what);
    };
    if (tensor.begin != end || tensor.end < tensor.begin) {
      complain(message("data_offsets [", tensor.begin, ", ", tensor.end, "] must begin at ", end,
                       " (no holes, no overlap) and not end before"));
    }
    end = tensor.end;
    const std::uint64_t bytes = checked_bytes(tensor.shape, tensor.dtype, complain);
    if (bytes != static_cast<std::uint64_t>(tensor.end - tensor.begin)) {
      complain(message("data_offsets span ", tensor.end - tensor.begin, " bytes, but shape and dtype ",
                       name_of(tensor.dtype), " need ", bytes));
    }
  }
  if (static_cast<std::uint64_t>(end) != data_bytes) {
    fail<DamageError>("read_safetensors", path, ": the tensors end at data byte ", end, ", but the file has ",
                      data_bytes);
  }
  return header;
}

}  // namespace detail
}  // namespace heed::inline HEED_ABI::io
