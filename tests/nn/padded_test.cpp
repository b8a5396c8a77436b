// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/padded.hpp"

#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using namespace heed::test::layers;

const Segments segments({2, 0, 3, 1});

TEST_CASE("pack_padded copies the first rows of each sequence and pad_packed pads them with zeros") {
  Tape<float> tape;
  const Tensor<float> padded = normal<float>({4, 5, 2});
  const auto packed = nn::pack_padded(tape.constant(padded), segments);
  REQUIRE(packed.shape() == Shape{6, 2});
  for (Index j = 0; j < 2; ++j) {
    CHECK(packed.value()(0, j) == padded(0, 0, j));
    CHECK(packed.value()(1, j) == padded(0, 1, j));
    CHECK(packed.value()(2, j) == padded(2, 0, j));
    CHECK(packed.value()(4, j) == padded(2, 2, j));
    CHECK(packed.value()(5, j) == padded(3, 0, j));
  }
  CHECK(nn::pad_packed(packed, segments).shape() == Shape{4, 3, 2});
  const auto back = nn::pad_packed(packed, segments, 5);
  REQUIRE(back.shape() == Shape{4, 5, 2});
  for (Index b = 0; b < 4; ++b) {
    for (Index t = 0; t < 5; ++t) {
      for (Index j = 0; j < 2; ++j) {
        CHECK(back.value()(b * 5 + t, j) == (t < segments.length(b) ? padded(b, t, j) : 0.0f));
      }
    }
  }
  CHECK(same(nn::pack_padded(back, segments).value(), packed.value()));
}

TEST_CASE("padding gets no gradient and its values have no influence, even NaN") {
  Tape<double> tape;
  Tensor<double> x = Tensor<double>::full({4, 5, 2}, NAN);
  for (Index b = 0; b < 4; ++b) {
    for (Index t = 0; t < segments.length(b); ++t) x(b, t, 0) = x(b, t, 1) = 1;
  }
  const auto padded = tape.variable(x);
  const auto y = nn::pad_packed(nn::pack_padded(padded, segments), segments, 7);
  backward(sum(multiply(y, y)));
  for (Index b = 0; b < 4; ++b) {
    for (Index t = 0; t < 5; ++t) {
      for (Index j = 0; j < 2; ++j) CHECK(padded.gradient()(b * 5 + t, j) == (t < segments.length(b) ? 2.0 : 0.0));
    }
  }
}

TEST_CASE("pack_padded and pad_packed accept no sequences and empty sequences") {
  Tape<float> tape;
  CHECK(nn::pack_padded(tape.constant(Tensor<float>({0, 3, 2})), Segments()).shape() == Shape{0, 2});
  CHECK(nn::pack_padded(tape.constant(Tensor<float>({2, 3, 2})), Segments({0, 0})).shape() == Shape{0, 2});
  CHECK(nn::pad_packed(tape.constant(Tensor<float>({0, 2})), Segments({0, 0}), 3).shape() == Shape{2, 3, 2});
  CHECK(nn::pad_packed(tape.constant(Tensor<float>({0, 2})), Segments({0, 0})).shape() == Shape{2, 0, 2});
}

TEST_CASE("the padded adaptors report invalid arguments") {
  Tape<float> tape;
  const auto text = [&](const Shape& shape) {
    return error_of<ShapeError>([&] { nn::pack_padded(tape.constant(Tensor<float>(shape)), segments); });
  };
  CHECK(text({4, 2, 2}) == "pack_padded: input [4, 2, 2] for 4 sequences of up to 3");
  CHECK(text({3, 5, 2}) == "pack_padded: input [3, 5, 2] for 4 sequences of up to 3");
  CHECK(text({20, 2}) == "pack_padded: input [20, 2] for 4 sequences of up to 3");
  CHECK(error_of<ShapeError>([&] {
          nn::pad_packed(tape.constant(Tensor<float>({5, 2})), segments);
        }) == "pad_packed: input [5, 2] for 6 tokens in sequences of up to 3, padded to 3");
  CHECK(error_of<ShapeError>([&] {
          nn::pad_packed(tape.constant(Tensor<float>({6, 2})), segments, 2);
        }) == "pad_packed: input [6, 2] for 6 tokens in sequences of up to 3, padded to 2");
}

TEST_CASE("the padded adaptors allocate nothing in a warm call") {
  Tape<float> tape;
  const Tensor<float> x = normal<float>({4, 5, 2});
  const auto step = [&] {
    tape.clear();
    backward(sum(nn::pad_packed(nn::pack_padded(tape.variable(x), segments), segments, 5)));
  };
  CHECK(test::warm_allocations(step) == 0);
}

}  // namespace HEED_TEST_UNIT
