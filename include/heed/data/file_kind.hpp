// SPDX-License-Identifier: Apache-2.0
// Recognises files that are not text by their first bytes, so that an error can name them.
#pragma once

#include <cstddef>
#include <string_view>

#include "heed/core/config.hpp"

namespace heed::inline HEED_ABI::data::detail {

/// Returns what the file that begins with `bytes` is, as a noun with an article, if it is no text that a reader takes;
/// else empty. `file_kind_bytes` suffice.
inline constexpr std::size_t file_kind_bytes = 512;
inline std::string_view binary_kind(std::string_view bytes) {
  struct Kind {
    std::string_view magic, name;
  };
  using namespace std::string_view_literals;
  constexpr Kind kinds[] = {{"PAR1\x15"sv, "a Parquet file"sv},
                            {"ARROW1\0"sv, "an Arrow file"sv},
                            {"\xff\xff\xff\xff"sv, "an Arrow stream"sv},
                            {"FEA1\0"sv, "a Feather file"sv},
                            {"Obj\x01"sv, "an Avro file"sv},
                            {"\x1f\x8b"sv, "gzip"sv},
                            {"\x28\xb5\x2f\xfd"sv, "zstd"sv},
                            {"\xfd"
                             "7zXZ\0"sv,
                             "xz"sv},
                            {"7z\xbc\xaf\x27\x1c"sv, "a 7z archive"sv},
                            {"\x04\x22\x4d\x18"sv, "lz4"sv},
                            {"SQLite format 3\0"sv, "an SQLite database"sv},
                            {"\x89HDF\r\n\x1a\n"sv, "an HDF5 file"sv},
                            {"\x93NUMPY"sv, "a NumPy array"sv},
                            {"\x80\x02"sv, "a Python pickle"sv},
                            {"\x80\x03"sv, "a Python pickle"sv},
                            {"\x80\x04\x95"sv, "a Python pickle"sv},
                            {"\x80\x05\x95"sv, "a Python pickle"sv},
                            {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"sv, "an old Excel file"sv},
                            {"\x7f"
                             "ELF"sv,
                             "a program (ELF)"sv},
                            {"%PDF-"sv, "a PDF file"sv},
                            {"\x89PNG\r\n"sv, "a PNG image"sv},
                            {"\xff\xfe"sv, "text in UTF-16 (iconv -f UTF-16 -t UTF-8 converts it)"sv},
                            {"\xfe\xff"sv, "text in UTF-16 (iconv -f UTF-16 -t UTF-8 converts it)"sv},
                            {"version https://git-lfs."sv, "a pointer of Git LFS (git lfs pull gets the file)"sv},
                            {"<!DOCTYPE "sv, "an HTML page (a failed download?)"sv},
                            {"<!doctype "sv, "an HTML page (a failed download?)"sv},
                            {"<html"sv, "an HTML page (a failed download?)"sv},
                            {"<?xml"sv, "XML"sv},
                            {"%%MatrixMarket"sv, "a Matrix Market file"sv}};
  if (bytes.starts_with("BZh") && bytes.size() >= 10 && bytes.substr(4, 6) == "1AY&SY") return "bzip2";
  if (bytes.starts_with("PK\x03\x04")) {
    const bool excel = bytes.find("[Content_Types].xml") < 128 || bytes.find("xl/") < 128;
    return excel ? "a ZIP archive (an Excel workbook?)" : "a ZIP archive";
  }
  // The size of the header, below 2^24, and its JSON.
  if (bytes.size() >= 10 && bytes.substr(3, 5) == "\0\0\0\0\0"sv && bytes.substr(8, 2) == "{\"") {
    return "a safetensors file (a model?)";
  }
  if (bytes.size() > 262 && bytes.substr(257, 5) == "ustar") return "a tar archive";
  if (bytes.size() >= 4 && bytes[1] == 0 && bytes[3] == 0 && bytes[0] != 0 && bytes[2] != 0) {
    return "text in UTF-16 (iconv -f UTF-16LE -t UTF-8 converts it)";
  }
  if (bytes.size() >= 4 && bytes[0] == 0 && bytes[2] == 0 && bytes[1] != 0 && bytes[3] != 0) {
    return "text in UTF-16 (iconv -f UTF-16BE -t UTF-8 converts it)";
  }
  for (const Kind& kind : kinds) {
    if (bytes.starts_with(kind.magic)) return kind.name;
  }
  return {};
}

}  // namespace heed::inline HEED_ABI::data::detail
