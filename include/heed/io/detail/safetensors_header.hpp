// SPDX-License-Identifier: Apache-2.0
// Parses and validates the JSON header of a safetensors file, without a document tree.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"
#include "heed/core/printable.hpp"
#include "heed/core/utf8.hpp"
#include "heed/io/detail/json_scanner.hpp"

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
// A tensor of the header takes several times the memory of its text, and so do a dimension and a key of the metadata.
inline constexpr std::size_t max_tensors = 65'536, max_metadata = 65'536, max_dimensions = 64;
inline constexpr Index max_header_number = Index{1} << 48;

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

/// Parses and validates the header `text` of `path`, whose tensors have `data_bytes` bytes in total. Duplicate keys are
/// errors, and so is anything outside the format. Throws DamageError.
inline SafetensorsHeader parse_safetensors_header(const std::string& path, std::string_view text,
                                                  std::uint64_t data_bytes) {
  const std::size_t valid = heed::detail::utf8_valid_prefix(text);
  if (valid != text.size()) {
    fail<DamageError>("read_safetensors", path, ": invalid UTF-8 at header byte ", valid);
  }
  SafetensorsHeader header;
  std::string entry, field;
  const auto complain = [&](std::string_view what) {
    fail<DamageError>("read_safetensors", path, ": header", entry.empty() ? "" : " entry '", printable(entry),
                      entry.empty() ? ": " : "': ", what);
  };
  JsonScanner scanner(text, complain);
  bool metadata_seen = false;
  const auto read_metadata = [&] {
    scanner.key(field);
    if (header.metadata.size() == max_metadata) complain(message("more than ", max_metadata, " keys"));
    const auto [at, fresh] = header.metadata.try_emplace(field);
    if (!fresh) complain(message("the key '", printable(field), "' appears twice"));
    scanner.string(at->second);
  };
  unsigned seen = 0;  // a bit per field
  const auto read_field = [&] {
    constexpr std::string_view fields[] = {"dtype", "shape", "data_offsets"};
    TensorInfo& tensor = header.tensors.back();
    scanner.key(field);
    const auto which = std::ranges::find(fields, field) - fields;
    if (which == std::ssize(fields)) complain(message("unknown field '", printable(field), "'"));
    if ((seen & 1u << which) != 0) complain(message("the field '", field, "' appears twice"));
    seen |= 1u << which;
    if (which == 0) {
      scanner.string(field);
      const auto* const found = std::ranges::find(dtype_facts, field, &DtypeFacts::name);
      if (found == std::end(dtype_facts)) complain(message("unknown dtype '", printable(field), "'"));
      tensor.dtype = static_cast<Dtype>(found - dtype_facts);
    } else if (which == 1) {
      scanner.each('[', ']', [&] {
        if (tensor.shape.size() == max_dimensions) {
          complain(message("shape has more than ", max_dimensions, " dimensions"));
        }
        tensor.shape.push_back(scanner.integer(0, max_header_number));
      });
    } else {
      int offsets = 0;
      scanner.each('[', ']', [&] {
        if (offsets == 2) complain("data_offsets has more than two numbers");
        (offsets++ == 0 ? tensor.begin : tensor.end) = scanner.integer(0, max_header_number);
      });
      if (offsets != 2) complain("data_offsets needs [begin, end]");
    }
  };
  scanner.each('{', '}', [&] {
    scanner.key(entry);
    if (entry == "__metadata__") {
      if (std::exchange(metadata_seen, true)) complain("the name appears twice");
      return scanner.each('{', '}', read_metadata);
    }
    if (header.tensors.size() == max_tensors) complain(message("more than ", max_tensors, " tensors"));
    header.tensors.push_back({.name = entry, .shape = {}});
    seen = 0;
    scanner.each('{', '}', read_field);
    if (seen != 7) complain("needs dtype, shape and data_offsets");
  });
  entry.clear();
  scanner.end();

  std::ranges::sort(header.tensors, {}, &TensorInfo::name);
  const auto twice = std::ranges::adjacent_find(header.tensors, {}, &TensorInfo::name);
  if (twice != header.tensors.end()) {
    entry = twice->name;
    complain("the name appears twice");
  }
  std::sort(header.tensors.begin(), header.tensors.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  Index end = 0;
  for (const TensorInfo& tensor : header.tensors) {
    entry = tensor.name;
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
