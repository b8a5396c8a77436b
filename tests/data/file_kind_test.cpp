// SPDX-License-Identifier: Apache-2.0
#include "heed/data/file_kind.hpp"

#include <catch2/catch.hpp>
#include <string>

namespace HEED_TEST_UNIT {

using heed::data::detail::binary_kind;

TEST_CASE("files that are not text are recognised by their first bytes", "[data][file_kind]") {
  const auto kind = [](const std::string& bytes) { return std::string(binary_kind(bytes)); };
  CHECK(kind("PAR1\x15\x04") == "a Parquet file");
  CHECK(kind(std::string("ARROW1\0\0", 8)) == "an Arrow file");
  CHECK(kind("PK\x03\x04\x14........................[Content_Types].xml") == "a ZIP archive (an Excel workbook?)");
  CHECK(kind("PK\x03\x04\x14ratings.csv") == "a ZIP archive");
  CHECK(kind(std::string("\x40\x01\0\0\0\0\0\0{\"__metadata__\"", 22)) == "a safetensors file (a model?)");
  CHECK(kind(std::string("SQLite format 3\0", 16)) == "an SQLite database");
  CHECK(kind("\x7f"
             "ELF\x02") == "a program (ELF)");
  CHECK(kind("%PDF-1.7") == "a PDF file");
  CHECK(kind("\x89HDF\r\n\x1a\n") == "an HDF5 file");
  CHECK(kind(std::string("\xff\xfeu\0s\0", 6)) == "text in UTF-16 (iconv -f UTF-16 -t UTF-8 converts it)");
  CHECK(kind(std::string("\xfe\xff\0u", 4)) == "text in UTF-16 (iconv -f UTF-16 -t UTF-8 converts it)");
  CHECK(kind(std::string("u\0s\0e\0", 6)) == "text in UTF-16 (iconv -f UTF-16LE -t UTF-8 converts it)");
  CHECK(kind(std::string("\0u\0s\0e", 6)) == "text in UTF-16 (iconv -f UTF-16BE -t UTF-8 converts it)");
  CHECK(kind("ratings.csv" + std::string(246, '\0') + "ustar  ") == "a tar archive");
  CHECK(kind("\x1f\x8b\x08") == "gzip");
  CHECK(kind("BZh91AY&SY\x94") == "bzip2");
  CHECK(kind("\x28\xb5\x2f\xfd") == "zstd");
  CHECK(kind("version https://git-lfs.github.com/spec/v1\n") == "a pointer of Git LFS (git lfs pull gets the file)");
  CHECK(kind("<!DOCTYPE html>\n") == "an HTML page (a failed download?)");
  CHECK(kind("%%MatrixMarket matrix coordinate") == "a Matrix Market file");
}

TEST_CASE("text is not taken for another file", "[data][file_kind]") {
  for (const char* text :
       {"", "P", "PAR", "PARIS,1", "PAR1\t7\ttea", "BZhang 7 tea", "ARROW1,7", "FEA1 7", "user_id,item_id\n",
        "\xef\xbb\xbfuser", "{\"user\": 1}", "1\t2\t3", "% bip\n", "version,item\n"}) {
    INFO(text);
    CHECK(binary_kind(text).empty());
  }
}

}  // namespace HEED_TEST_UNIT
