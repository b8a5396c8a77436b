// SPDX-License-Identifier: Apache-2.0
#include "heed/io/zstd.hpp"

#include "heed/data/lines.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heed;
  fuzz::only_errors([&] {
    io::ZstdStream stream(fuzz::as_file({data, size}), 23);  // windows of 8 MB: one allocation may take 20 MB
    data::LineReader lines(stream, "input");
    while (lines.next()) fuzz::require(lines.line().find('\n') == std::string_view::npos);
  });
  return 0;
}
