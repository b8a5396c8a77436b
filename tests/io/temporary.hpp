// SPDX-License-Identifier: Apache-2.0
// Files for the tests of io/: temporary folders, and reading and writing whole files.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace temporary {

/// A new, empty folder, which the destructor removes with its contents.
struct Folder {
  Folder() {
    std::string text = (std::filesystem::temp_directory_path() / "heed-XXXXXX").string();
    if (::mkdtemp(text.data()) == nullptr) throw std::filesystem::filesystem_error("mkdtemp", text, {});
    path = text;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }

  std::string file(const std::string& name) const { return (path / name).string(); }
  std::ptrdiff_t entries() const {
    return std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator());
  }

  std::filesystem::path path;
};

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace temporary
