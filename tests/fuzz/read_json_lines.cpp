// SPDX-License-Identifier: Apache-2.0
#include "heed/io/detail/json_lines.hpp"
#include "log.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heed::data;
  const std::string text(data, data + size);
  const auto if_there = [&](const char* name) { return text.find(name) < size ? std::string(name) : ""; };
  const heed::io::LogOptions columns{.time_column = if_there("time"),
                                     .rating_column = if_there("rating"),
                                     .kind_column = if_there("kind"),
                                     .name_column = "meta.name"};
  heed::fuzz::check_reader({data, size}, [&](LineReader lines, const ReadOptions& options, ReadReport* report) {
    detail::EventReader events("read_log", options, report);
    heed::io::detail::read_json_lines_into(lines, columns, events);
    return events.finish();
  });
  return 0;
}
