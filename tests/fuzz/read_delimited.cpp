// SPDX-License-Identifier: Apache-2.0
#include "heed/data/read_delimited.hpp"

#include <string_view>

#include "log.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heed::data;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto if_there = [&](std::string_view name) { return text.find(name) < size ? std::string(name) : ""; };
  DelimitedOptions columns{
      .time = if_there("time"), .rating = if_there("rating"), .kind = if_there("kind"), .name = if_there("name")};
  if (text.starts_with("1")) columns.columns = {"item_id", "user_id", "time"};
  heed::fuzz::check_reader({data, size}, [&](LineReader lines, const ReadOptions& options, ReadReport* report) {
    return read_delimited(std::move(lines), columns, options, report);
  });
  return 0;
}
