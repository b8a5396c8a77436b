// SPDX-License-Identifier: Apache-2.0
// Atomic replacement of a file: a temporary file in the same folder is written, synced and renamed.
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
#include <new>
#include <string>
#include <string_view>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"

namespace heed::inline HEED_ABI::io {

/// Writes a temporary file in the folder of `path` and renames it to `path` on `commit()`: readers see the complete old
/// or new file, and a memory map of the old file stays valid. Without `commit()`, the destructor removes the temporary
/// file. An existing file keeps its permissions; for a symbolic link, the target is replaced. Throws IoError with the
/// operation, the path and the system's error message. POSIX.
class AtomicFile {
 public:
  AtomicFile(std::string operation, const std::string& path) : operation_(std::move(operation)), path_(resolve(path)) {
    struct stat old {};
    const bool exists = ::stat(path_.c_str(), &old) == 0;
    // Renaming over a directory fails only in commit(), and renaming over a device such as /dev/null succeeds.
    if (exists && !S_ISREG(old.st_mode)) fail<IoError>(operation_, path_, " exists and is not a regular file");
    static std::atomic<unsigned> count{0};
    do {
      temporary_ = message(path_, ".", ::getpid(), ".", count++, ".tmp");
      file_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (file_ < 0 && errno == EEXIST);
    if (file_ < 0) failed("cannot create");
    if (exists && ::fchmod(file_, old.st_mode & 07777) != 0) {
      const int reason = errno;  // the destructor does not run after an exception in the constructor
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

  /// Syncs and renames the file, which then persists even after a loss of power.
  void commit() {
    if (::fsync(file_) != 0) failed("cannot sync");
    const int closed = ::close(file_);
    file_ = -1;
    if (closed != 0) failed("cannot close");
    const std::size_t slash = path_.rfind('/');  // before the rename, after which nothing may throw
    const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) failed("cannot rename");
    temporary_.clear();
    // The rename is an entry of the folder. Where a file system cannot sync folders, the data is synced regardless.
    const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) return;
    ::fsync(directory);
    ::close(directory);
  }

 private:
  static std::string resolve(const std::string& path) {
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(path.c_str(), nullptr), std::free);
    if (!real && errno == ENOMEM) throw std::bad_alloc();
    return real ? real.get() : path;  // a new file has no real path
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
