// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/dropout.hpp"

#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;

TEST_CASE("Dropout acts only while the tape is training, and keeps the mean") {
  nn::Dropout<float> dropout({.p = 0.25});
  CHECK(nn::parameter_count(dropout) == 0);
  const Tensor<float> ones = Tensor<float>::ones({100, 100});
  Tape<float> still;
  CHECK(test::same(dropout(still.constant(ones)).value(), ones.view()));
  Tape<float> training({.training = true, .random = Random(1)});
  const Tensor<float> y(dropout(training.constant(ones)).value());
  const double zeros = static_cast<double>((y.array() == 0.0f).count()) / 1e4;
  CHECK(zeros == Approx(0.25).margin(0.02));
  CHECK(y.array().maxCoeff() == Approx(1 / 0.75));
  CHECK(y.array().mean() == Approx(1).margin(0.03));
}

TEST_CASE("Dropout draws a new mask in every call and step, the same for the same seed") {
  const nn::Dropout<float> dropout;
  const Tensor<float> ones = Tensor<float>::ones({20, 20});
  Tape<float> tape({.training = true, .random = Random(1)}), twin({.training = true, .random = Random(1)});
  const Tensor<float> first(dropout(tape.constant(ones)).value()), second(dropout(tape.constant(ones)).value());
  CHECK(!test::same(first.view(), second.view()));
  CHECK(test::same(dropout(twin.constant(ones)).value(), first.view()));
  tape.clear();
  CHECK(!test::same(dropout(tape.constant(ones)).value(), first.view()));
}

TEST_CASE("Dropout rejects a probability below 0, of 1 or above") {
  CHECK(error_of<OptionError>([] { nn::Dropout<float>({.p = 1}); }) == "Dropout: p 1.000000 is not in [0, 1)");
  CHECK(error_of<OptionError>([] { nn::Dropout<float>({.p = -0.1}); }) != "");
  CHECK(error_of<OptionError>([] { nn::Dropout<float>({.p = NAN}); }) != "");
}

}  // namespace HEED_TEST_UNIT
