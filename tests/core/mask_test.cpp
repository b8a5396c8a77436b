// SPDX-License-Identifier: Apache-2.0
#include "heed/core/mask.hpp"

#include <catch2/catch.hpp>
#include <limits>

#include "heed/core/tensor.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("key_end is lower-right causal, bounded by lengths, never negative") {
  MaskView<float> view;
  CHECK(view.key_end(0, 0, 2, 5) == 5);
  view.causal = true;
  CHECK(view.key_end(0, 0, 3, 3) == 1);
  CHECK(view.key_end(0, 2, 3, 3) == 3);
  CHECK(view.key_end(0, 0, 2, 5) == 4);  // the last query sees the last key
  CHECK(view.key_end(0, 1, 2, 5) == 5);
  CHECK(view.key_end(0, 0, 5, 2) == 0);  // more queries than keys: the first see nothing
  CHECK(view.key_end(0, 2, 5, 2) == 0);
  CHECK(view.key_end(0, 3, 5, 2) == 1);
  const Index lengths[] = {9, 1, 0};
  view.lengths = lengths;
  CHECK(view.key_end(0, 2, 3, 3) == 3);
  CHECK(view.key_end(1, 2, 3, 3) == 1);
  CHECK(view.key_end(2, 2, 3, 3) == 0);
  CHECK(!view.per_pair());
  const std::uint8_t visible = 1;
  view.visible = &visible;
  CHECK(view.per_pair());
}

TEST_CASE("a mask stores its lengths and matrices") {
  CHECK(!Mask().is_causal());
  CHECK((Mask().key_lengths() == nullptr && Mask().terms().empty()));
  CHECK(Mask::causal().is_causal());
  const std::vector<Index> lengths{2, 0};
  CHECK(*Mask::lengths(lengths).key_lengths() == lengths);

  const auto whole = Tensor<float>::of({{9, 1, 0}, {9, 0, 2}});
  const Mask visible = Mask::visible(whole.view().columns(1, 3));  // a row stride
  REQUIRE(visible.terms().size() == 1);
  CHECK(visible.terms()[0]->kind == Mask::Kind::visible);
  CHECK(visible.terms()[0]->shape == Shape{2, 2});
  CHECK(visible.terms()[0]->values == std::vector<double>{1, 0, 0, 1});  // non-zero is one
  const Mask hidden = Mask::hidden(std::as_const(whole).view());
  CHECK(hidden.terms()[0]->kind == Mask::Kind::hidden);
  CHECK(hidden.terms()[0]->values == std::vector<double>{1, 1, 0, 1, 0, 1});
  const auto scores = Tensor<double>::of({{-std::numeric_limits<double>::infinity(), 0.5}});
  const Mask additive = Mask::additive(scores.view());
  CHECK(additive.terms()[0]->kind == Mask::Kind::additive);
  CHECK(additive.terms()[0]->values == std::vector<double>{scores(0, 0), 0.5});
}

TEST_CASE("masks combine without changing their parts") {
  const std::vector<Index> one{2, 5}, other{3, 4};
  const Tensor<float> matrix({2, 2});
  const Mask a = Mask::causal() & Mask::lengths(one) & Mask::visible(matrix.view());
  const Mask b = Mask::lengths(other) & Mask::additive(matrix.view());
  const Mask both = a & b;
  CHECK(both.is_causal());
  CHECK(*both.key_lengths() == std::vector<Index>{2, 4});
  CHECK(both.terms().size() == 2);
  CHECK(*a.key_lengths() == one);
  CHECK(a.terms().size() == 1);
  CHECK((b & a).is_causal());
  CHECK((*(b & Mask()).key_lengths() == other && *(Mask() & b).key_lengths() == other));
  CHECK(!(Mask() & Mask()).is_causal());
}

TEST_CASE("invalid masks are refused") {
  CHECK_THROWS_WITH(Mask::lengths(std::vector<Index>{1, -3}), "Mask::lengths: negative length -3");
  CHECK_THROWS_WITH(Mask::lengths(std::vector<Index>{1}) & Mask::lengths(std::vector<Index>{1, 2}),
                    "Mask::&: lengths of 1 and of 2 sequences");
  const Tensor<float> vector({3}), four({1, 1, 1, 1});
  CHECK_THROWS_WITH(Mask::visible(vector.view()),
                    "Mask::visible: wanted [queries, keys] or [sequences, queries, keys], got [3]");
  CHECK_THROWS_AS(Mask::hidden(vector.view()), ShapeError);
  CHECK_THROWS_AS(Mask::additive(four.view()), ShapeError);
}

}  // namespace HEED_TEST_UNIT
