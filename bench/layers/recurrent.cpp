// SPDX-License-Identifier: Apache-2.0
// One GRU or LSTM layer, 50 steps. FLOPs forward: 2 tokens 3H or 4H (I + H); with backward: three times that.
#include <benchmark/benchmark.h>

#include <string>

#include "heed/nn/gru.hpp"
#include "heed/nn/lstm.hpp"
#include "heed/ops/sum.hpp"
#include "machine.hpp"

namespace {

using namespace heed;

template <class Rnn, Index gates>
struct Layer {
  Index batch, time, width;
  Rnn rnn{{.input_size = width, .hidden_size = width}};
  Segments segments = Segments::uniform(batch, time);
  Parameter<float> x{{batch * time, width}};  // not copied on the tape
  Tape<float> tape;

  Layer(Index b, Index t, Index w, bool record) : batch(b), time(t), width(w), tape({.record = record}) {
    nn::initialize(rnn, Random(42));
    x.value() = Tensor<float>::normal(x.value().shape(), Random(1));
  }
  Var<float> forward() {
    tape.clear();
    return rnn(tape.parameter(x), segments).output;
  }
  double flops() const { return 2.0 * static_cast<double>(batch * time * gates * width * 2 * width); }
};

template <class Rnn, Index gates>
bool add_cases(const std::string& name) {
  const auto add = [&](const std::string& passes, Index batch, bool train) {
    const std::string full = name + "_" + passes + "_b" + std::to_string(batch) + "_t50_d128_h128";
    benchmark::RegisterBenchmark(full.c_str(),
                                 [=](benchmark::State& state) {
                                   Layer<Rnn, gates> layer(batch, 50, 128, train);
                                   if (train) {
                                     bench::measure_flops(state, 3 * layer.flops(),
                                                          [&] { backward(sum(layer.forward())); });
                                   } else {
                                     bench::measure_flops(state, layer.flops(), [&] { layer.forward(); });
                                   }
                                 })
        ->UseManualTime()
        ->Unit(benchmark::kMillisecond);
  };
  add("forward", 64, false);
  add("forward_backward", 64, true);
  add("forward", 1, false);
  return true;
}
const bool added = add_cases<nn::GRU<float>, 3>("gru") && add_cases<nn::LSTM<float>, 4>("lstm");

}  // namespace
