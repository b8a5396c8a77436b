// SPDX-License-Identifier: Apache-2.0
// Atomic replacement of files.
#include "heed/io/atomic_file.hpp"

#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <cstdio>
#include <thread>

#include "temporary.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using heed::io::AtomicFile;
using heed::io::Temporary;
using temporary::read_bytes;

TEST_CASE("atomic file: the old content stays until commit, and no temporary file is left", "[io]") {
  const temporary::Folder folder;
  const std::string path = folder.file("a");
  temporary::write_bytes(path, "old");
  for (const Temporary temporary : {Temporary::unnamed, Temporary::named}) {
    AtomicFile file("test", path, temporary);
    file.write("half a file");
    CHECK(folder.entries() <= 2);
    CHECK(read_bytes(path) == "old");
  }
  CHECK(read_bytes(path) == "old");
  CHECK(folder.entries() == 1);
  for (const Temporary temporary : {Temporary::unnamed, Temporary::named}) {
    AtomicFile first("test", path, temporary),
        second("test", path, temporary);  // two writers at once: the last to commit wins
    first.write("first");
    second.write("second");
    second.commit();
    CHECK(read_bytes(path) == "second");
    first.commit();
    CHECK(read_bytes(path) == "first");
  }
  CHECK(folder.entries() == 1);
}

TEST_CASE("atomic file: a path without a folder is relative to the current folder", "[io]") {
  const temporary::Folder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path);
  AtomicFile file("test", "plain");
  file.write("x");
  file.commit();
  std::filesystem::current_path(before);
  CHECK(read_bytes(folder.file("plain")) == "x");
}

TEST_CASE("atomic file: a replaced file keeps its permissions, and the target of a link is replaced", "[io]") {
  namespace fs = std::filesystem;
  const temporary::Folder folder;
  const std::string path = folder.file("a");
  temporary::write_bytes(path, "old");
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("a", folder.path / "link");
  AtomicFile file("test", folder.file("link"));
  file.write("new");
  file.commit();
  CHECK(fs::is_symlink(folder.path / "link"));
  CHECK(read_bytes(path) == "new");
  CHECK(fs::status(path).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
}

TEST_CASE("atomic file: a symbolic link that leads nowhere is an error and stays", "[io]") {
  namespace fs = std::filesystem;
  const temporary::Folder folder;
  fs::create_symlink("none", folder.path / "link");
  CHECK_THROWS_WITH(AtomicFile("save", folder.file("link")),
                    Contains("save: ") && Contains("is a symbolic link that leads nowhere: No such file"));
  CHECK(fs::is_symlink(folder.path / "link"));
  fs::create_symlink("loop", folder.path / "loop");
  CHECK_THROWS_WITH(AtomicFile("save", folder.file("loop")), Contains("leads nowhere"));
}

/// Runs `child` in a process of its own and returns it.
template <class Child>
pid_t fork_of(const Child& child) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    try {
      child();
    } catch (const heed::IoError&) {
      ::_exit(3);
    } catch (...) {
      ::_exit(4);
    }
    ::_exit(0);
  }
  return pid;
}

int status_of(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
  }
  return status;
}

/// A file of one repeated letter: a mixture of two files is recognised.
std::string letters(char letter) { return std::string(200'000, letter); }

void write_letters(const std::string& path, char letter) {
  AtomicFile file("test", path);
  for (int i = 0; i < 20; ++i) file.write(letters(letter).substr(0, 10'000));
  file.commit();
}

TEST_CASE("atomic file: a program killed while it writes leaves the complete old or new file and nothing else",
          "[io]") {
  const temporary::Folder folder;
  const std::string path = folder.file("a");
  write_letters(path, 'a');
  const pid_t probe = fork_of([&] {
    AtomicFile file("test", path);
    file.write("half a file");
    ::raise(SIGKILL);
  });
  CHECK(WTERMSIG(status_of(probe)) == SIGKILL);
  if (folder.entries() > 1) return;  // a file system without unnamed files
  for (int kill = 0; kill < 25; ++kill) {
    const pid_t writer = fork_of([&] {
      for (char letter = 'a';; letter = letter == 'z' ? 'a' : static_cast<char>(letter + 1))
        write_letters(path, letter);
    });
    std::this_thread::sleep_for(std::chrono::microseconds(500 + 1'237 * kill));
    ::kill(writer, SIGKILL);
    CHECK(WIFSIGNALED(status_of(writer)));
    const std::string bytes = read_bytes(path);
    CHECK(bytes == letters(bytes.at(0)));
    CHECK(folder.entries() <= 2);
    // Killed between naming and renaming: no later writer takes the file for its own.
    for (const auto& entry : std::filesystem::directory_iterator(folder.path)) {
      if (entry.path().filename().string().starts_with(".heed.")) std::filesystem::remove(entry.path());
    }
    CHECK(folder.entries() == 1);
  }
}

TEST_CASE("atomic file: a writer waits for no other program and takes no file that it did not make", "[io]") {
  const temporary::Folder folder;
  const std::string path = folder.file("a");
  const int locked = ::open(folder.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  REQUIRE(locked >= 0);
  // A program that was stopped while it committed. Without LOCK_NB here, a writer that locks would never end.
  REQUIRE(::flock(locked, LOCK_EX | LOCK_NB) == 0);
  for (const Temporary temporary : {Temporary::unnamed, Temporary::named}) {
    // The next names, so that they are taken.
    unsigned next = 0;
    {
      const AtomicFile probe("test", path, Temporary::named);
      const auto entry = std::filesystem::directory_iterator(folder.path)->path().filename().string();
      REQUIRE(std::sscanf(entry.c_str(), ".heed.%*d.%u.tmp", &next) == 1);
    }
    for (unsigned i = 1; i <= 3; ++i) {
      temporary::write_bytes(folder.file(heed::message(".heed.", ::getpid(), ".", next + i, ".tmp")), "foreign");
    }
    AtomicFile file("test", path, temporary);
    file.write("x");
    file.commit();
    CHECK(read_bytes(path) == "x");
    CHECK(folder.entries() == 4);
    for (const auto& entry : std::filesystem::directory_iterator(folder.path)) {
      if (entry.path() != path) CHECK(read_bytes(entry.path()) == "foreign");
      std::filesystem::remove(entry.path());
    }
  }
  ::close(locked);
}

TEST_CASE("atomic file: a writer succeeds beside whatever an earlier version or another user left", "[io]") {
  const temporary::Folder folder;
  std::filesystem::create_directory(folder.file(".heed.tmp"));
  write_letters(folder.file("a"), 'a');
  CHECK(read_bytes(folder.file("a")) == letters('a'));
  CHECK(folder.entries() == 2);
}

TEST_CASE("atomic file: two programs that write one path both succeed with complete files", "[io]") {
  const temporary::Folder folder;
  const std::string path = folder.file("a");
  const auto write_often = [&](char letter) {
    return fork_of([&, letter] {
      for (int i = 0; i < 40; ++i) write_letters(path, letter);
    });
  };
  const pid_t first = write_often('a'), second = write_often('b');
  CHECK(status_of(first) == 0);
  CHECK(status_of(second) == 0);
  const std::string bytes = read_bytes(path);
  CHECK(bytes == letters(bytes.at(0)));
  CHECK(folder.entries() == 1);
}

TEST_CASE("atomic file: a full disk is an error, and the old file stays", "[io]") {
  const temporary::Folder folder;
  const std::string path = folder.file("a");
  temporary::write_bytes(path, "old");
  const pid_t writer = fork_of([&] {
    const rlimit limit{.rlim_cur = 65'536, .rlim_max = 65'536};
    ::signal(SIGXFSZ, SIG_IGN);
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(5);
    write_letters(path, 'a');
  });
  const int status = status_of(writer);
  CHECK(WEXITSTATUS(status) == 3);
  CHECK(read_bytes(path) == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("atomic file: a device or a folder is an error that names the fault", "[io]") {
  const temporary::Folder folder;
  CHECK_THROWS_WITH(AtomicFile("save", folder.file("no/such")), Contains("save: cannot create") && Contains("No such"));
  temporary::write_bytes(folder.file("file"), "");
  CHECK_THROWS_WITH(AtomicFile("save", folder.file("file/a")),
                    Contains("cannot create") && Contains("Not a directory"));
  CHECK_THROWS_WITH(AtomicFile("save", folder.file(std::string(300, 'a'))), Contains("File name too long"));
  CHECK_NOTHROW(AtomicFile("save", folder.file(std::string(255, 'a'))));
  CHECK_THROWS_WITH(AtomicFile("save", "/dev/null"), Contains("not a regular file"));
  CHECK_THROWS_WITH(AtomicFile("save", folder.path.string()), Contains("not a regular file"));
}

}  // namespace HEED_TEST_UNIT
