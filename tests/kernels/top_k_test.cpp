// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/top_k.hpp"

#include <cmath>

#include "heed/kernels/reference/top_k.hpp"
#include "kernels/every_isa.hpp"
#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

template <class Scalar, class Isa>
void check_top_k(const Tensor<Scalar>& scores, Index k, const std::vector<Index>& excluded) {
  INFO(k << " of " << scores.size() << " without " << excluded.size());
  const Tensor<double> in = test::to_double(scores);
  const std::vector<Index> want =
      kernels::reference::top_k({in.data(), static_cast<std::size_t>(in.size())}, k, excluded);
  std::vector<kernels::Ranked<Scalar>> got(static_cast<std::size_t>(k));
  const Index count = kernels::top_k<Scalar, Isa>(scores.data(), scores.size(), k, excluded.data(),
                                                  static_cast<Index>(excluded.size()), got.data());
  REQUIRE(count == static_cast<Index>(want.size()));
  bool same = true;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const Scalar score = scores.data()[want[i]];
    same = same && got[i].item == want[i] && (got[i].score == score || (std::isnan(score) && std::isnan(got[i].score)));
  }
  CHECK(same);
}

}  // namespace

TEST_CASE("the best k match a full sort") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    std::vector<Index> sizes = test::sizes_around_width<Scalar, Isa>();
    sizes.push_back(1000);
    for (const Index size : sizes) {
      Tensor<Scalar> distinct = test::normal_as<Scalar>({size}, "scores"), tied(distinct), rising(distinct);
      for (Index i = 0; i < size; ++i) {
        tied.data()[i] = std::round(tied.data()[i]);
        rising.data()[i] = static_cast<Scalar>(i / 3);
      }
      Tensor<Scalar> strange(tied);
      for (Index i = 0; i < size; ++i) {
        if (i % 5 < 2)
          strange.data()[i] = static_cast<Scalar>(i % 2 == 0 ? not_a_number : (i % 3 == 0 ? infinity : -infinity));
      }
      std::vector<Index> excluded;
      for (Index i = 0; i < size; i += 1 + i % 7)
        excluded.insert(excluded.end(), static_cast<std::size_t>(i % 2 + 1), i);
      for (const Index k : {Index(0), Index(1), Index(10), size, size + 5}) {
        for (const auto& scores : {distinct, tied, rising, strange}) {
          check_top_k<Scalar, Isa>(scores, k, {});
          check_top_k<Scalar, Isa>(scores, k, excluded);
        }
      }
    }
  });
}

namespace {

/// Integers, so that every sum is exact and many are equal; `Element` may be Bfloat16.
template <class Scalar, class Element, class Isa>
void check_table(Index items, Index width, bool biased) {
  INFO("[" << items << ", " << width << "]" << (biased ? " with bias" : ""));
  const auto whole = [](const Shape& shape, const char* name) {
    Tensor<double> x = Tensor<double>::normal(shape, Random(5).fork(name), 2.0);
    for (Index i = 0; i < x.size(); ++i) x.data()[i] = std::round(x.data()[i]);
    return x;
  };
  const auto table = whole({items, width}, "table"), query = whole({width}, "query"), bias = whole({items}, "bias");
  std::vector<Element> elements;
  for (Index i = 0; i < table.size(); ++i) elements.emplace_back(static_cast<float>(table.data()[i]));
  Tensor<Scalar> q({width}), b({items});
  for (Index j = 0; j < width; ++j) q.data()[j] = static_cast<Scalar>(query.data()[j]);
  for (Index i = 0; i < items; ++i) b.data()[i] = static_cast<Scalar>(bias.data()[i]);
  const auto scores = kernels::reference::table_scores(table.view(), query.data(), biased ? bias.data() : nullptr);
  std::vector<Index> excluded;
  for (Index i = 0; i < items; i += 3) excluded.push_back(i);
  for (const Index k : {Index(0), Index(1), Index(10), items + 5}) {
    const auto want = kernels::reference::top_k(scores, k, excluded);
    std::vector<kernels::Ranked<Scalar>> got(static_cast<std::size_t>(k));
    const Index count = kernels::top_k_of_table<Scalar, Element, Isa>({elements.data(), {items, width}}, q.data(),
                                                                      biased ? b.data() : nullptr, k, excluded.data(),
                                                                      static_cast<Index>(excluded.size()), got.data());
    REQUIRE(count == static_cast<Index>(want.size()));
    bool same = true;
    for (std::size_t i = 0; i < want.size(); ++i) {
      same = same && got[i].item == want[i] &&
             static_cast<double>(got[i].score) == scores[static_cast<std::size_t>(want[i])];
    }
    CHECK(same);
  }
}

}  // namespace

TEST_CASE("the best k of a table are those of its scores") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index width : test::sizes_around_width<Scalar, Isa>()) {
      for (const Index items : {0, 1, 17, 300}) {
        for (const bool biased : {false, true}) {
          check_table<Scalar, Scalar, Isa>(items, width, biased);
          if constexpr (sizeof(Scalar) == 4) check_table<Scalar, Bfloat16, Isa>(items, width, biased);
        }
      }
    }
  });
}

TEST_CASE("a score of a table depends neither on its item's index nor on the other items") {
  const auto table = test::normal_as<float>({100, 37}, "table"), query = test::normal_as<float>({37}, "query");
  std::vector<kernels::Ranked<float>> all(100);
  kernels::top_k_of_table<float, float>(table.view(), query.data(), nullptr, 100, nullptr, 0, all.data());
  for (const auto& entry : all) {
    kernels::Ranked<float> one;
    const auto row = table.view().rows(entry.item, entry.item + 1);
    REQUIRE(kernels::top_k_of_table<float, float>(row, query.data(), nullptr, 1, nullptr, 0, &one) == 1);
    CHECK(one.score == entry.score);
  }
}

TEST_CASE("NaN comes after every number, minus infinity included") {
  const double scores[] = {not_a_number, -infinity, not_a_number, 3.0, 3.0, infinity};
  kernels::Ranked<double> best[6];
  REQUIRE(kernels::top_k(scores, 6, 6, nullptr, 0, best) == 6);
  const Index order[] = {5, 3, 4, 1, 0, 2};
  for (int i = 0; i < 6; ++i) CHECK(best[i].item == order[i]);

  // Many NaN before whole blocks of numbers.
  Tensor<double> many = Tensor<double>::full({500}, -infinity);
  for (Index i = 0; i < 100; ++i) many(i) = not_a_number;
  REQUIRE(kernels::top_k(many.data(), 500, 2, nullptr, 0, best) == 2);
  CHECK(best[0].item == 100);
  CHECK(best[1].item == 101);
}

TEST_CASE("ranking is a total order") {
  const kernels::Ranked<double> all[] = {{0, not_a_number}, {1, not_a_number}, {2, 1.0},  {3, 1.0},
                                         {4, infinity},     {5, -infinity},    {6, -0.0}, {7, 0.0}};
  for (const auto& a : all) {
    CHECK(!ranks_before(a, a));
    for (const auto& b : all) {
      if (a.item != b.item) CHECK(ranks_before(a, b) != ranks_before(b, a));
      for (const auto& c : all) {
        if (ranks_before(a, b) && ranks_before(b, c)) CHECK(ranks_before(a, c));
      }
    }
  }
}

TEST_CASE("taking the k best allocates no memory") {
  const auto scores = test::normal_as<float>({5000}, "scores");
  const Index excluded[] = {1, 5, 4999};
  kernels::Ranked<float> best[100];
  const std::size_t before = test::allocations();
  kernels::top_k(scores.data(), scores.size(), 100, excluded, 3, best);
  kernels::top_k_of_table<float, float>({scores.data(), {100, 50}}, scores.data(), nullptr, 10, excluded, 2, best);
  CHECK(test::allocations() == before);
}

}  // namespace HEED_TEST_UNIT
