// SPDX-License-Identifier: Apache-2.0
// Checks the files of a subcommand before any work: no output replaces an input, another output, or a file that heed
// has not written.
#pragma once

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <heed/core/printable.hpp>
#include <heed/io/atomic_file.hpp>
#include <map>
#include <string>
#include <string_view>
#include <utility>

/// The kinds of file that the program writes; an existing file of the kind is replaced (appended to: a log of epochs).
enum class Output { model, report, page, log, result };

/// The first line of a page; programs that show Markdown do not show it.
constexpr std::string_view page_marker = "<!-- Written by heed's recommend. -->\n";

/// Returns whether `path` is a file of this kind that heed has written.
inline bool written_by_heed(const std::string& path, Output kind) {
  std::ifstream file(path, std::ios::binary);
  const std::uint64_t whole = std::filesystem::file_size(path);
  std::uint64_t size = kind == Output::result ? whole : std::min<std::uint64_t>(whole, 4096);
  if (kind == Output::model) {  // the size of its header is before the header
    file.read(reinterpret_cast<char*>(&size), sizeof(size));
    if (!file || size > whole) return false;
  }
  std::string begin(size, '\0');
  file.read(begin.data(), static_cast<std::streamsize>(size));
  begin.resize(static_cast<std::size_t>(file.gcount()));
  const auto has = [&](std::string_view text) { return begin.find(text) != std::string::npos; };
  switch (kind) {
    case Output::model:
      return has("\"format\":\"heed.recommender.");
    case Output::report:
      return has("<meta name=\"generator\" content=\"heed\"/>");
    case Output::page:
      return begin.starts_with(page_marker);
    case Output::log:
      return begin.starts_with("{") && has("\"epoch\":") && has("\"loss\":");
    case Output::result:
      return begin.starts_with("{") && has("\"commit\":");
  }
  return false;
}

class Files {
 public:
  /// With `force`, existing files that heed has not written may be replaced.
  explicit Files(bool force = false) : force_(force) {}

  /// An input may be a pipe unless it is `regular`. An empty path is no file.
  void reads(const std::string& option, const std::string& path, bool regular = false) {
    if (path.empty()) return;
    const auto type = std::filesystem::status(path).type();
    if (regular && type != std::filesystem::file_type::not_found && type != std::filesystem::file_type::regular) {
      refuse(option, path, "is not a regular file");
    }
    if (type == std::filesystem::file_type::directory) refuse(option, path, "is a directory");
    files_.try_emplace(identity(path), option, canonical(path));
  }

  /// Throws heed::OptionError when `path` is an input, another output or a file that must not be replaced. Call it
  /// after `reads` of all inputs. An empty path is no file.
  void writes(const std::string& option, const std::string& path, Output kind) {
    if (path.empty()) return;
    const auto type = std::filesystem::status(path).type();
    const bool exists = type != std::filesystem::file_type::not_found;
    if (!exists && std::filesystem::is_symlink(path)) refuse(option, path, "is a link to a file that does not exist");
    const bool device = kind == Output::log && type == std::filesystem::file_type::character;
    if (exists && !device && type != std::filesystem::file_type::regular) refuse(option, path, "is not a regular file");
    const auto [same, fresh] = files_.try_emplace(identity(path), option, canonical(path));
    if (!fresh && !device) refuse(option, path, "is also the file of " + same->second.first);
    if (!exists || device || force_ || std::filesystem::file_size(path) == 0 || written_by_heed(path, kind)) return;
    refuse(option, path, "exists and was not written by heed as such a file: --force replaces it");
  }

  /// Throws heed::OptionError when `folder` is something else, or is or contains an input or another output, and
  /// heed::IoError when nothing can be made in it. Call it after all `reads` and `writes`. An empty path is no folder.
  void keeps(const std::string& option, const std::string& folder) const {
    if (folder.empty()) return;
    const bool exists = std::filesystem::exists(folder);
    if (exists ? !std::filesystem::is_directory(folder) : std::filesystem::is_symlink(folder)) {
      refuse(option, folder, "is not a folder");
    }
    auto place = canonical(folder);
    if (!place.has_filename()) place = place.parent_path();  // ends in a slash
    for (const auto& [id, file] : files_) {
      const auto& [other, path] = file;
      if (std::mismatch(place.begin(), place.end(), path.begin(), path.end()).first != place.end()) continue;
      refuse(option, folder, "is or contains the file of " + other);
    }
    while (!std::filesystem::exists(place)) place = place.parent_path();
    heed::io::AtomicFile(option, (place / ".heed-check").string());  // throws unless files can be made there
  }

 private:
  static std::filesystem::path canonical(const std::string& path) {
    std::error_code ignored;
    const auto absolute = std::filesystem::absolute(path, ignored);
    const auto out = std::filesystem::weakly_canonical(absolute, ignored);
    return ignored ? absolute.lexically_normal() : out;
  }
  /// Equal for all paths of one file (links too), whether it exists or not.
  static std::string identity(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) == 0) return heed::message(found.st_dev, ":", found.st_ino);
    return canonical(path).string();
  }
  [[noreturn]] static void refuse(const std::string& option, const std::string& path, std::string_view why) {
    heed::fail<heed::OptionError>(option, heed::printable(path), " ", why);
  }

  bool force_;
  std::map<std::string, std::pair<std::string, std::filesystem::path>> files_;  // by identity: option, canonical path
};

inline void add_force_option(CLI::App& app, bool& force) {
  app.add_flag("--force", force, "Replace existing files that heed has not written");
}
