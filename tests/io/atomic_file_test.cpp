// SPDX-License-Identifier: Apache-2.0
// Atomic replacement of files.
#include "heed/io/atomic_file.hpp"

#include <catch2/catch.hpp>

#include "temporary.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using heed::io::AtomicFile;
using temporary::read_bytes;

TEST_CASE("atomic file: the old content stays until commit, and no temporary file is left", "[io]") {
  const temporary::Folder folder;
  const std::string path = folder.file("a");
  temporary::write_bytes(path, "old");
  {
    AtomicFile file("test", path);
    file.write("half a file");
    CHECK(folder.entries() == 2);
    CHECK(read_bytes(path) == "old");
  }
  CHECK(read_bytes(path) == "old");
  CHECK(folder.entries() == 1);
  {
    AtomicFile first("test", path), second("test", path);  // two writers at once: the last to commit wins
    first.write("first");
    second.write("second");
    second.commit();
    CHECK(read_bytes(path) == "second");
    first.commit();
  }
  CHECK(read_bytes(path) == "first");
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

TEST_CASE("atomic file: a device or a folder is an error that names the fault", "[io]") {
  const temporary::Folder folder;
  CHECK_THROWS_WITH(AtomicFile("save", folder.file("no/such")), Contains("save: cannot create") && Contains("No such"));
  CHECK_THROWS_WITH(AtomicFile("save", "/dev/null"), Contains("not a regular file"));
  CHECK_THROWS_WITH(AtomicFile("save", folder.path.string()), Contains("not a regular file"));
}

}  // namespace HEED_TEST_UNIT
