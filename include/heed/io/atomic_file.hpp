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
#include <utility>

#include "heed/core/config.hpp"
#include "heed/core/error.hpp"

namespace heed::inline HEED_ABI::io {

/// How the temporary file of an AtomicFile is made. `unnamed`, where the file system can: nothing is left when the
/// program is killed while it writes, unless between the two last system calls of `commit()`. `named`: such a kill
/// leaves the file.
enum class Temporary { unnamed, named };

/// Writes a temporary file in the folder of `path` and renames it to `path` on `commit()`: readers see the complete old
/// or new file, and a memory map of the old file stays valid. Without `commit()`, the destructor discards the temporary
/// file. Any number of threads and programs may write one path at once: the last to commit wins. An existing file keeps
/// its permissions; for a symbolic link, the target is replaced, which must exist. Throws IoError with the operation,
/// the path and the system's error message. POSIX.
class AtomicFile {
 public:
  AtomicFile(std::string operation, const std::string& path, Temporary temporary = Temporary::unnamed)
      : operation_(std::move(operation)), path_(path) {
    try {
      resolve();
      struct stat old {};
      const bool exists = ::stat(path_.c_str(), &old) == 0;
      if (!exists && errno != ENOENT) failed("cannot create a file");  // too long a name, a folder that is none
      // Renaming over a directory fails only in commit(), and renaming over a device such as /dev/null succeeds.
      if (exists && !S_ISREG(old.st_mode)) fail<IoError>(operation_, path_, " exists and is not a regular file");
      folder_ = ::open((folder() + ".").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (temporary == Temporary::unnamed && folder_ >= 0) open_unnamed();
      if (file_ < 0) open_named();
      if (exists && ::fchmod(file_, old.st_mode & 07777) != 0) failed("cannot set the permissions of");
    } catch (...) {
      discard();  // the destructor does not run after an exception in the constructor
      throw;
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
    if (temporary_.empty()) link();
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) failed("cannot rename");
    temporary_.clear();
    // The rename is an entry of the folder. Where a file system cannot sync folders, the data is synced regardless.
    ::fsync(folder_);
    const int closed = ::close(std::exchange(file_, -1));
    discard();
    if (closed != 0) failed("cannot close");
  }

 private:
  /// Follows symbolic links; a new file has no real path.
  void resolve() {
    const std::unique_ptr<char, void (*)(void*)> real(::realpath(path_.c_str(), nullptr), std::free);
    if (real) {
      path_ = real.get();
      return;
    }
    const int reason = errno;
    if (reason == ENOMEM) throw std::bad_alloc();
    struct stat link {};
    if (::lstat(path_.c_str(), &link) != 0 || !S_ISLNK(link.st_mode)) return;
    fail<IoError>(operation_, path_, " is a symbolic link that leads nowhere: ", std::strerror(reason));
  }
  /// Ends in a slash; empty for the current folder.
  std::string folder() const { return path_.substr(0, path_.rfind('/') + 1); }  // npos + 1 is 0

  void open_unnamed() {
#ifdef O_TMPFILE
    // Without /proc the file could not get its name.
    if (::access("/proc/self/fd", X_OK) != 0) return;
    file_ = ::open((folder() + ".").c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
#endif
  }
  void open_named() {
    take_name("cannot create", [&](const char* name) {
      file_ = ::open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      return file_ >= 0;
    });
  }
  /// Gives an unnamed file a name, from which it can be renamed.
  void link() {
    const std::string self = message("/proc/self/fd/", file_);
    take_name("cannot link", [&](const char* name) {
      return ::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0;
    });
  }
  /// Calls `make(name)` with names until one is free. A taken one belongs to another writer, or to a program that was
  /// killed: it stays.
  template <class Make>
  void take_name(std::string_view failure, const Make& make) {
    std::string name;
    do {
      name = message(folder(), ".heed.", ::getpid(), ".", names_++, ".tmp");
      if (make(name.c_str())) {
        temporary_ = std::move(name);
        return;
      }
    } while (errno == EEXIST);
    const int reason = errno;
    fail<IoError>(operation_, failure, " ", name, " (for ", path_, "): ", std::strerror(reason));
  }
  void discard() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
    temporary_.clear();
    for (int* descriptor : {&file_, &folder_}) {
      if (*descriptor >= 0) ::close(std::exchange(*descriptor, -1));
    }
  }
  [[noreturn]] void failed(std::string_view what) const {
    fail<IoError>(operation_, what, temporary_.empty() ? "" : " ", temporary_, " (for ", path_,
                  "): ", std::strerror(errno));
  }

  static inline std::atomic<unsigned> names_{0};  // tried so far
  std::string operation_;
  std::string path_;
  std::string temporary_;  // empty while the file has no name
  int folder_ = -1;
  int file_ = -1;
};

}  // namespace heed::inline HEED_ABI::io
