// SPDX-License-Identifier: Apache-2.0
// Changes safetensors files so that most remain readable: libFuzzer alone seldom corrects the length of the header.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

/// Three times in four, changes the header only and writes its new length; otherwise changes any bytes.
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  std::uint64_t length = 0;
  if (size > 8) std::memcpy(&length, data, 8);
  if (length == 0 || length > size - 8 || seed % 4 == 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::vector<std::uint8_t> tensors(data + 8 + length, data + size);
  length = LLVMFuzzerMutate(data + 8, length, max_size - 8 - tensors.size());
  std::memcpy(data, &length, 8);
  std::copy(tensors.begin(), tensors.end(), data + 8 + length);
  return 8 + length + tensors.size();
}
