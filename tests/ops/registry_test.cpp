// SPDX-License-Identifier: Apache-2.0
// The checks of every registered operation, derived from its samples.
#include "heed/ops/registry.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "heed/kernels/first_not_finite.hpp"
#include "heed/testing/allclose.hpp"
#include "heed/testing/gradcheck.hpp"
#include "ops/samples.hpp"
#include "support/allocations.hpp"
#include "support/backwards.hpp"
#include "support/error_of.hpp"
#include "support/same_bits.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using heed::test::OpSamples;
using heed::test::same_bits;
using heed::test::Sample;

template <class Scalar>
Tensor<Scalar> as(const Tensor<double>& x) {
  Tensor<Scalar> out(x.shape());
  for (Index i = 0; i < x.size(); ++i) out.data()[i] = static_cast<Scalar>(x.data()[i]);
  return out;
}

template <class Scalar>
const test::Call<Scalar>& call_of(const Sample& sample) {
  if constexpr (std::is_same_v<Scalar, float>) {
    return sample.in_float;
  } else {
    return sample.in_double;
  }
}

/// A loss with a fixed cotangent of y, so that the test of operations does not depend on another operation.
template <class Scalar>
Var<Scalar> close(Tape<Scalar>& tape, Var<Scalar> y) {
  const auto loss = tape.allocate({});
  loss[0] = Scalar(0);
  return record(tape, {y}, loss, [=](const Gradients<Scalar>& g) {
    const auto dy = g(y);
    const Random random(11);
    for (Index i = 0; i < dy.rows(); ++i) {
      for (Index j = 0; j < dy.cols(); ++j) {
        dy(i, j) += static_cast<Scalar>(random.normal(static_cast<std::uint64_t>(i * dy.cols() + j)));
      }
    }
  });
}

template <class Scalar>
struct Outcome {
  Tensor<Scalar> value;
  std::vector<Tensor<Scalar>> gradients;  ///< shape [0] if none is needed
};

struct Run {
  TapeOptions options;
  bool strided = false;
  int only = -1;          ///< the only input that requires a gradient; -1: all do
  bool poisoned = false;  ///< runs the backward pass twice, with NaN in the memory of the second gradients
};

template <class Scalar>
Outcome<Scalar> run(const Sample& sample, const Run& how) {
  Tape<Scalar> tape(how.options);
  std::vector<Var<Scalar>> x;
  for (std::size_t i = 0; i < sample.inputs.size(); ++i) {
    const Tensor<Scalar> input = as<Scalar>(sample.inputs[i]);
    if (how.only >= 0 && static_cast<int>(i) != how.only) {
      x.push_back(tape.constant(input));
    } else {
      x.push_back(how.strided ? testing::column_slice<Scalar>(tape, input) : tape.variable(input));
    }
  }
  const Var<Scalar> y = call_of<Scalar>(sample)(tape, std::span<const Var<Scalar>>(x));
  Outcome<Scalar> out{Tensor<Scalar>(y.value()), {}};
  if (!how.options.record) return out;
  const Var<Scalar> loss = close(tape, y);
  backward(loss);
  if (how.poisoned) {
    const auto poison = [](Var<Scalar> v) {
      const auto g = v.gradient();
      for (Index i = 0; i < g.rows(); ++i) {
        std::fill_n(const_cast<Scalar*>(g.row(i)), g.cols(), std::numeric_limits<Scalar>::quiet_NaN());
      }
    };
    for (const auto& input : x) poison(input);
    poison(y);
    backward(loss);
  }
  for (const auto& input : x) {
    const auto g = input.gradient();
    out.gradients.push_back(g ? Tensor<Scalar>(g) : Tensor<Scalar>());
  }
  return out;
}

/// Calls `check(name, sample)` for every sample of every registered operation.
template <class Check>
void for_each_sample(const Check& check) {
  for (const auto& [operation, samples] : test::all_samples()) {
    for (const Sample& sample : samples().good) {
      INFO(operation << ": " << sample.label);
      check(sample);
    }
  }
}

TEST_CASE("every operation has samples of valid and of invalid calls") {
  std::vector<std::string> sampled;
  for (const auto& [operation, samples] : test::all_samples()) {
    const OpSamples all = samples();
    INFO(operation);
    CHECK(!all.good.empty());
    CHECK(!all.bad.empty());
    sampled.push_back(operation);
  }
  CHECK(sampled == std::vector<std::string>(std::begin(operations), std::end(operations)));
}

TEST_CASE("every operation's value equals its reference") {
  for_each_sample([](const Sample& sample) {
    const Tensor<double> expected = sample.reference(sample.inputs);
    const auto in_double = testing::allclose(run<double>(sample, {sample.options}).value, expected, 1e-12);
    INFO("double: " << in_double.message());
    CHECK(in_double);
    const auto in_float =
        testing::allclose(run<float>(sample, {sample.options}).value, expected, sample.float_tolerance);
    INFO("float: " << in_float.message());
    CHECK(in_float);
  });
}

TEST_CASE("every operation's backward pass agrees with finite differences") {
  for_each_sample([](const Sample& sample) {
    Index largest = 0, compared = 0;
    for (const auto& input : sample.inputs) largest = std::max(largest, input.size());
    const Index most = largest <= 200 ? 200 : 16;
    for (const auto& input : sample.inputs) compared += std::min(input.size(), most);
    const auto result =
        testing::gradcheck(sample.in_double, sample.inputs, {.max_positions = most, .tape = sample.options});
    INFO(result.message());
    CHECK(result);
    CHECK(result.checked == compared);
    // The gradients of slices are compared bit by bit below; this checks that nothing is written outside of them.
    const auto strided = testing::gradcheck(sample.in_double, sample.inputs,
                                            {.max_positions = 1, .strided = true, .tape = sample.options});
    INFO("as slices: " << strided.message());
    CHECK(strided);
  });
}

TEST_CASE("every operation's gradients in float agree with those in double") {
  for_each_sample([](const Sample& sample) {
    const auto exact = run<double>(sample, {sample.options});
    const auto rounded = run<float>(sample, {sample.options});
    for (std::size_t i = 0; i < sample.inputs.size(); ++i) {
      const auto result = testing::allclose(rounded.gradients[i], exact.gradients[i], sample.float_tolerance);
      INFO("input " << i << ": " << result.message());
      CHECK(result);
    }
  });
}

TEST_CASE(
    "no operation's bits depend on the executor, strides, recording, which gradients are needed or the contents of "
    "memory") {
  for_each_sample([](const Sample& sample) {
    const auto expected = run<float>(sample, {sample.options});
    const auto compare = [&](const Outcome<float>& other) {
      CHECK(same_bits(other.value, expected.value));
      for (std::size_t i = 0; i < other.gradients.size(); ++i) {
        INFO("gradient of input " << i);
        CHECK(same_bits(other.gradients[i], expected.gradients[i]));
      }
    };
    test::Backwards backwards;
    Run threaded{sample.options};
    threaded.options.executor = &backwards;
    compare(run<float>(sample, threaded));
    compare(run<float>(sample, {sample.options, true}));
    compare(run<float>(sample, {.options = sample.options, .poisoned = true}));
    compare(run<float>(sample, {.options = sample.options, .strided = true, .poisoned = true}));
    Run silent{sample.options};
    silent.options.record = false;
    compare(run<float>(sample, silent));
    for (std::size_t i = 0; i < sample.inputs.size(); ++i) {
      auto one = run<float>(sample, {sample.options, false, static_cast<int>(i)});
      for (std::size_t j = 0; j < sample.inputs.size(); ++j) {
        if (j == i) continue;
        CHECK(one.gradients[j].size() == 0);
        one.gradients[j] = expected.gradients[j];
      }
      compare(one);
    }
  });
}

TEST_CASE("no operation allocates memory once its buffers have grown") {
  for_each_sample([](const Sample& sample) {
    test::Backwards backwards;
    TapeOptions options = sample.options;
    options.executor = &backwards;
    Tape<float> tape(options);
    std::vector<Tensor<float>> inputs;
    for (const auto& input : sample.inputs) inputs.push_back(as<float>(input));
    std::vector<Var<float>> x(inputs.size());
    const auto step = [&] {
      tape.clear();
      for (std::size_t i = 0; i < inputs.size(); ++i) x[i] = tape.variable(inputs[i]);
      tape.backward(close(tape, sample.in_float(tape, std::span<const Var<float>>(x))));
    };
    CHECK(test::warm_allocations(step) == 0);
  });
}

TEST_CASE("check_finite accepts every operation with a finite value, whatever its memory held before") {
  for_each_sample([](const Sample& sample) {
    Tape<float> tape(sample.options);
    const auto memory = tape.allocate({1 << 20});
    std::fill_n(memory.data(), memory.size(), std::numeric_limits<float>::quiet_NaN());
    tape.clear();
    std::vector<Var<float>> x;
    for (const auto& input : sample.inputs) x.push_back(tape.variable(as<float>(input)));
    x.push_back(sample.in_float(tape, std::span<const Var<float>>(x)));
    const bool finite = std::ranges::all_of(x, [](Var<float> one) {
      const auto value = one.value();
      return kernels::first_not_finite<float>(value.matrix()).row == value.rows();
    });
    if (finite) CHECK_NOTHROW(tape.check_finite());
  });
}

TEST_CASE("every operation rejects invalid inputs with an error that describes them") {
  for (const auto& [operation, samples] : test::all_samples()) {
    for (const test::BadCall& bad : samples().bad) {
      INFO(operation << ": " << bad.label);
      CHECK_THAT(test::error_of(bad.call), Catch::Contains(bad.expected));
    }
  }
}

TEST_CASE("every header of ops is registered under its name") {
  std::vector<std::string> headers;
  for (const auto& entry : std::filesystem::directory_iterator(HEED_SOURCE_DIR "/include/heed/ops")) {
    const std::string name = entry.path().stem().string();
    // The registry itself, and the operators + - * / of operations that are registered under their names.
    if (!entry.is_directory() && name != "registry" && name != "operators") headers.push_back(name);
  }
  std::sort(headers.begin(), headers.end());
  CHECK(headers == std::vector<std::string>(std::begin(operations), std::end(operations)));
}

}  // namespace HEED_TEST_UNIT
