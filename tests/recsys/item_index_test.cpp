// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/item_index.hpp"

#include <array>

#include "heed/core/tensor.hpp"
#include "nn/layers.hpp"
#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::ItemIndex;
using recsys::ScoredItem;
using test::error_of;

/// Whole numbers: exact in every element type, and with ties.
template <class Scalar>
Tensor<Scalar> whole(const Shape& shape, const char* name) {
  auto x = Tensor<Scalar>::normal(shape, Random(4).fork(name), Scalar(2));
  for (Index i = 0; i < x.size(); ++i) x.data()[i] = std::round(x.data()[i]);
  return x;
}

template <class Element>
void check() {
  using Scalar = typename ItemIndex<Element>::Scalar;
  const auto wide = whole<Scalar>({50, 9}, "table"), query = whole<Scalar>({7}, "query"),
             bias = whole<Scalar>({50}, "b");
  const auto table = wide.view().columns(1, 8);  // not contiguous
  const std::vector<data::Id> left_out = {0, 3, 3, 17, 49, 90};
  for (const bool biased : {false, true}) {
    Tensor<Scalar> scores({50});
    for (Index i = 0; i < 50; ++i) {
      scores(i) = biased ? bias(i) : 0;
      for (Index j = 0; j < 7; ++j) scores(i) += table(i, j) * query(j);
    }
    const ItemIndex<Element> index(table, {bias.data(), biased ? 50u : 0u});
    CHECK(index.num_items() == 50);
    for (const std::size_t k : {0u, 1u, 10u, 60u}) {
      for (const auto& hidden : {std::vector<data::Id>(), left_out}) {
        std::vector<ScoredItem<Scalar>> wanted(k), found(k);
        wanted.resize(static_cast<std::size_t>(kernels::top_k<Scalar>(
            scores.data(), 50, std::ssize(wanted), hidden.data(), std::ssize(hidden), wanted.data())));
        const std::size_t before = test::allocations();
        const auto got = index.top_k({query.data(), 7}, found, hidden);
        CHECK(test::allocations() == before);
        CHECK(std::equal(got.begin(), got.end(), wanted.begin(), wanted.end(),
                         [](const auto& a, const auto& b) { return a.item == b.item && a.score == b.score; }));
      }
    }
  }
}

TEST_CASE("an item index finds the best items by product and bias", "[recsys][item_index]") {
  check<float>();
  check<double>();
  check<Bfloat16>();
}

TEST_CASE("an item index without items returns none", "[recsys][item_index]") {
  const ItemIndex<float> index(Tensor<float>({0, 2}).view());
  std::array<ScoredItem<float>, 3> found;
  CHECK(index.top_k(std::array{1.0f, 2.0f}, found).empty());
}

TEST_CASE("an item index rejects invalid arguments", "[recsys][item_index]") {
  const Tensor<float> table({4, 2}), vector({4});
  const std::array bias = {1.0f};
  CHECK(error_of<ShapeError>([&] { ItemIndex<float>(vector.view()); }) ==
        "ItemIndex: table [4] and 0 biases do not fit [items, d] and items or none");
  CHECK(error_of<ShapeError>([&] { ItemIndex<float>(table.view(), bias); }) ==
        "ItemIndex: table [4, 2] and 1 biases do not fit [items, d] and items or none");
  const ItemIndex<float> index(table.view());
  std::array<ScoredItem<float>, 3> found;
  CHECK(error_of<ShapeError>([&] { index.top_k(bias, found); }) ==
        "ItemIndex::top_k: query of 1 features for items of 2");
  const std::array query = {1.0f, 2.0f};
  const std::array<data::Id, 2> falls = {3, 1};
  CHECK(error_of<OptionError>([&] { index.top_k(query, found, falls); }) == "ItemIndex::top_k: left_out unsorted");
}

TEST_CASE("an item index refuses vectors, biases and queries that give scores that are not finite") {
  constexpr float infinity = std::numeric_limits<float>::infinity(), largest = std::numeric_limits<float>::max();
  auto table = Tensor<float>::of({{1, 2}, {3, 4}, {1e30f, 6}});
  const std::array bias = {0.0f, -infinity, 0.0f};
  CHECK(error_of<Error>([&] { ItemIndex<float>(table.view(), bias); }) == "ItemIndex: a bias is -inf");
  const ItemIndex<float> index(table.view());
  std::array<ScoredItem<float>, 3> found;
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), infinity, largest, -1e10f}) {
    const std::array query = {0.0f, bad};
    CHECK_THAT(error_of<Error>([&] { index.top_k(query, found); }),
               Catch::Contains("may give scores that are not finite"));
  }
  CHECK(index.top_k(std::array{-1e3f, 1.0f}, found)[2].item == 2);
  table(1, 1) = largest;  // infinity as Bfloat16
  CHECK(error_of<Error>([&] { ItemIndex<float>(table.view()); }) == "");
  CHECK(error_of<Error>([&] { ItemIndex<Bfloat16>(table.view()); }) == "ItemIndex: the vector of item 1 is not finite");
}

}  // namespace HEED_TEST_UNIT
