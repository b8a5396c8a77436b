// SPDX-License-Identifier: Apache-2.0
// The length of a tape does not affect stack usage. (In this program because it is linked with threads.)
#include <pthread.h>

#include <catch2/catch.hpp>

#include "heed/autograd/tape.hpp"
#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

constexpr int nodes = 1000000;
#ifdef HEED_TEST_SANITIZED
constexpr std::size_t stack = 1024 * 1024;  // sanitizers need additional stack
#else
constexpr std::size_t stack = 64 * 1024;
#endif

struct Outcome {
  std::size_t size = 0;
  float value = 0, gradient = 0;
  bool destroyed = false;
};

/// x + 1.
Var<float> next(Var<float> x) {
  Tape<float>& tape = x.tape();
  const auto y = tape.allocate({});
  y[0] = x.value()[0] + 1;
  return record(tape, {x}, y, [x](const Gradients<float>& g) { g(x)[0] += g.output()[0]; });
}

void* run(void* argument) {
  auto& out = *static_cast<Outcome*>(argument);
  {
    Tape<float> tape;
    const Var<float> x = tape.variable(Tensor<float>::scalar(0));
    Var<float> y = x;
    for (int i = 1; i < nodes; ++i) y = next(y);
    backward(y);
    out.size = tape.size();
    out.value = y.item();
    out.gradient = x.gradient()[0];
    tape.clear();
  }
  out.destroyed = true;
  return nullptr;
}

TEST_CASE("a tape of a million values runs forward and backward and is destroyed on a small stack") {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, stack) == 0);
  Outcome out;
  pthread_t thread;
  REQUIRE(pthread_create(&thread, &attributes, run, &out) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
  CHECK(out.size == nodes);
  CHECK(out.value == nodes - 1);
  CHECK(out.gradient == 1);
  CHECK(out.destroyed);
}

}  // namespace HEED_TEST_UNIT
