// SPDX-License-Identifier: Apache-2.0
#include "heed/data/read_movielens.hpp"

#include "log.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  heed::fuzz::check_reader({data, size}, heed::data::read_movielens);
  return 0;
}
