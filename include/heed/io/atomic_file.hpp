// SPDX-License-Identifier: Apache-2.0
// A file that appears whole or not at all: written beside its destination, synced, renamed.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"

namespace heed::inline HEED_ABI::io {

/// Writes `path` beside itself (same folder, a name of its own) and renames on `commit()`: readers see the old file or
/// the new one, never a part, and a live memory map of the old one stays valid. Destroyed without `commit()`, it
/// removes what it wrote. An existing file keeps its permissions; a symbolic link keeps pointing, its target is
/// replaced. Every failure is an IoError that names the operation, the path and the system's reason. POSIX.
class AtomicFile {
 public:
  AtomicFile(std::string operation, const std::string& path) : operation_(std::move(operation)), path_(resolve(path)) {
    struct stat old {};
    const bool exists = ::stat(path_.c_str(), &old) == 0;
    // Renaming over a directory fails late, and over a device such as /dev/null it would succeed.
    if (exists && !S_ISREG(old.st_mode)) fail<IoError>(operation_, path_, " exists and is no regular file");
    static std::atomic<unsigned> count{0};
    do {
      temporary_ = message(path_, ".", ::getpid(), ".", count++, ".tmp");
      file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (file_ < 0 && errno == EEXIST);
    if (file_ < 0) failed("cannot create");
    if (exists && ::fchmod(file_, old.st_mode & 07777) != 0) {
      const int reason = errno;  // the destructor does not run when a constructor throws
      discard();
      errno = reason;
      failed("cannot set the permissions of");
    }
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() { discard(); }

  /// Appends bytes.
  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(file_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) failed("cannot write");
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  /// Syncs and renames: from here on the new file is there, also after a power cut.
  void commit() {
    if (::fsync(file_) != 0) failed("cannot sync");
    const int closed = ::close(file_);
    file_ = -1;
    if (closed != 0) failed("cannot close");
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) failed("cannot rename");
    temporary_.clear();
    // The rename itself lives in the folder. Some file systems cannot sync folders; the data is safe regardless.
    const std::size_t slash = path_.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return;
    ::fsync(directory);
    ::close(directory);
  }

 private:
  static std::string resolve(const std::string& path) {
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
    return real ? real.get() : path;  // a file that does not exist yet has no real path
  }
  void discard() {
    if (file_ >= 0) ::close(file_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }
  [[noreturn]] void failed(std::string_view what) const {
    fail<IoError>(operation_, what, " ", temporary_, " (for ", path_, "): ", std::strerror(errno));
  }

  std::string operation_;
  std::string path_;
  std::string temporary_;
  int file_ = -1;
};

}  // namespace heed::inline HEED_ABI::io
