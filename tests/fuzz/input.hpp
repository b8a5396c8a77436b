// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share: the input as a file, and which ends of a run are allowed.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "heed/core/error.hpp"

namespace heed::fuzz {

/// Ends the run as a finding unless `holds`.
inline void require(bool holds) {
  if (!holds) std::abort();
}

/// Calls `run`. An Error is a valid answer to any input; other exceptions end the program, which is a finding.
template <class Run>
void only_errors(Run&& run) {
  try {
    run();
  } catch (const Error&) {
  }
}

/// Returns the path of a file in memory that holds `input`, until the next call.
inline const std::string& as_file(std::span<const std::uint8_t> input) {
  static const int file = ::memfd_create("input", 0);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  require(::ftruncate(file, 0) == 0 && ::pwrite(file, input.data(), input.size(), 0) == std::ssize(input));
  return path;
}

}  // namespace heed::fuzz
