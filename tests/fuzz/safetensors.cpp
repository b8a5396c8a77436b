// SPDX-License-Identifier: Apache-2.0
#include "heed/io/safetensors.hpp"

#include "input.hpp"
#include "safetensors_mutator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heed;
  fuzz::only_errors([&] {
    const io::SafetensorsFile file(fuzz::as_file({data, size}));
    for (const io::TensorInfo& tensor : file.tensors()) {
      fuzz::require(std::ssize(file.bytes(tensor.name)) == tensor.end - tensor.begin);
      fuzz::only_errors([&] { file.tensor<float>(tensor.name, io::Narrowing::allow); });
      fuzz::only_errors([&] { file.values<std::int64_t>(tensor.name); });
    }
  });
  return 0;
}
