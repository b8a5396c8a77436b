// SPDX-License-Identifier: Apache-2.0
#include "heed/io/checkpoint.hpp"

#include "heed/nn/lstm.hpp"
#include "input.hpp"
#include "safetensors_mutator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heed;
  static nn::LSTM<float> layer({.input_size = 2, .hidden_size = 2});
  const std::string& path = fuzz::as_file({data, size});
  fuzz::only_errors([&] { io::load(layer, path, {.narrowing = io::Narrowing::allow}); });
  fuzz::only_errors([&] { io::load(layer, path, {.rename = {{"bias_ih_l0", "bias_hh_l0"}}, .strict = false}); });
  return 0;
}
