// SPDX-License-Identifier: Apache-2.0
#include "heed/io/gzip.hpp"

#include "heed/data/lines.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heed;
  fuzz::only_errors([&] {
    io::GzipStream stream(fuzz::as_file({data, size}));
    data::LineReader lines(stream, "input");
    while (lines.next()) fuzz::require(lines.line().find('\n') == std::string_view::npos);
  });
  return 0;
}
