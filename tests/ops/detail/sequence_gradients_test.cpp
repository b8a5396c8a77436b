// SPDX-License-Identifier: Apache-2.0
#include "heed/ops/detail/sequence_gradients.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>

#include "heed/ops/add.hpp"
#include "heed/ops/reshape.hpp"
#include "heed/ops/slice.hpp"
#include "heed/ops/sum.hpp"
#include "support/backwards.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

namespace {

/// An operation whose gradient adds 1 to every row of q, 10 to those of k and 100 to those of v.
Var<float> ones_back(Var<float> q, const Segments& q_segments, Var<float> k, Var<float> v, const Segments& k_segments) {
  Tape<float>& tape = q.tape();
  const SegmentsView qs = tape.keep(q_segments), ks = tape.keep(k_segments);
  const auto y = tape.allocate({});
  y[0] = 0;
  return record(tape, {q, k, v}, y, [=](const Gradients<float>& g) {
    const detail::SequenceGradients<float> to(g, q, qs, k, v, ks);
    to.run(0, [&](Index b, float*) {
      const auto add = [b](TensorView<float> x, SegmentsView s, float amount) {
        for (Index i = s.begin(b); x && i < s.end(b); ++i) {
          for (Index j = 0; j < x.cols(); ++j) x.row(i)[j] += amount;
        }
      };
      add(to.q(), qs, 1);
      add(to.k(), ks, 10);
      add(to.v(), ks, 100);
    });
  });
}

struct Made {
  Var<float> loss, x;
};

/// Returns the gradient of x, after a step that left NaN in its memory.
Tensor<float> gradient(const std::function<Made(Tape<float>&)>& make) {
  test::Backwards executor;
  Tape<float> tape({.executor = &executor});
  for (int step = 0;; ++step) {
    tape.clear();
    const Made made = make(tape);
    backward(made.loss);
    const auto g = made.x.gradient();
    if (step == 2) return Tensor<float>(g);
    std::fill_n(const_cast<float*>(g.data()), g.size(), std::numeric_limits<float>::quiet_NaN());
  }
}

void check_rows(const Tensor<float>& got, std::initializer_list<float> expected) {
  REQUIRE(got.rows() == static_cast<Index>(expected.size()));
  for (Index i = 0; i < got.rows(); ++i) {
    for (Index j = 0; j < got.cols(); ++j) CHECK(got(i, j) == expected.begin()[i]);
  }
}

}  // namespace

TEST_CASE("gradients of sequences start from zero for every layout of the inputs") {
  const Segments cut({2, 0, 3}), other({3, 1, 1});
  const auto leaf = [](Tape<float>& tape, Index rows, Index cols) {
    return tape.variable(Tensor<float>::zeros({rows, cols}));
  };
  SECTION("separate arrays") {
    check_rows(gradient([&](Tape<float>& tape) {
                 const auto q = leaf(tape, 5, 2), k = leaf(tape, 5, 2), v = leaf(tape, 5, 3);
                 return Made{ones_back(q, cut, k, v, cut), v};
               }),
               {100, 100, 100, 100, 100});
  }
  SECTION("columns of one array") {
    const auto got = gradient([&](Tape<float>& tape) {
      const auto all = leaf(tape, 5, 4);
      return Made{ones_back(slice(all, 1, 0, 1), cut, slice(all, 1, 1, 2), slice(all, 1, 2, 3), cut), all};
    });
    for (Index i = 0; i < 5; ++i) {
      CHECK(got(i, 0) == 1);
      CHECK(got(i, 1) == 10);
      CHECK(got(i, 2) == 100);
      CHECK(got(i, 3) == 0);  // no sequence adds to this column
    }
  }
  SECTION("one array as all three") {
    check_rows(gradient([&](Tape<float>& tape) {
                 const auto x = leaf(tape, 5, 2);
                 return Made{ones_back(x, cut, x, x, cut), x};
               }),
               {111, 111, 111, 111, 111});
  }
  SECTION("one array with two kinds of segments") {
    check_rows(gradient([&](Tape<float>& tape) {
                 const auto x = leaf(tape, 5, 2);
                 return Made{ones_back(x, cut, x, x, other), x};
               }),
               {111, 111, 111, 111, 111});
  }
  SECTION("rows of a longer array, and of the same one shifted") {
    check_rows(gradient([&](Tape<float>& tape) {
                 const auto x = leaf(tape, 7, 2);
                 return Made{ones_back(slice(x, 0, 0, 5), cut, slice(x, 0, 1, 6), slice(x, 0, 0, 5), cut), x};
               }),
               {101, 111, 111, 111, 111, 10, 0});
  }
  SECTION("rows that span several rows of their array") {
    const Segments short_cut({1, 3});
    check_rows(gradient([&](Tape<float>& tape) {
                 const auto h = leaf(tape, 4, 8);
                 const auto u = reshape(h, {8, 4});
                 const auto k = slice(u, 0, 4, 8);
                 return Made{ones_back(slice(u, 0, 0, 4), short_cut, k, k, short_cut), h};
               }),
               {1, 1, 110, 110});
  }
  SECTION("a gradient that another operation has added to before") {
    check_rows(gradient([&](Tape<float>& tape) {
                 const auto x = leaf(tape, 5, 2), k = leaf(tape, 5, 2);
                 const auto y = ones_back(x, cut, k, k, cut);
                 return Made{add(y, sum(x)), x};  // the sum's gradient comes first
               }),
               {2, 2, 2, 2, 2});
  }
}

}  // namespace HEED_TEST_UNIT
