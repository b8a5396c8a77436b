// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/linear_cross_entropy.hpp"

#include <cmath>

#include "heed/kernels/reference/linear_cross_entropy.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

namespace {

constexpr Index block = kernels::catalogue_block;

template <class Scalar>
struct Result {
  double loss = 0;
  Tensor<Scalar> dx, dweight, dbias;
};

/// Runs a tile of rows on two parts of the items, as the operation does; the weights' gradients are added to 1.
template <class Scalar, class Isa>
Result<Scalar> tile(const Tensor<Scalar>& x, const Tensor<Scalar>& weight, const Tensor<Scalar>* bias,
                    const std::vector<Index>& targets) {
  const Index rows = x.rows(), width = x.cols(), items = weight.rows(), blocks = (items + block - 1) / block;
  const Index cut = (blocks + 1) / 2 * block;  // where the second part begins
  Tensor<Scalar> x_t({width, rows}), e({items, rows}), tops({blocks, rows}), hit({rows}), greatest({rows}),
      share({rows}), factors({2, rows}), scaled({rows, width}),
      ends = Tensor<Scalar>::full({2, rows}, -std::numeric_limits<Scalar>::infinity()),
      dx = Tensor<Scalar>::zeros({2, rows, width});
  auto sum = Tensor<double>::zeros({2, rows});
  Result<Scalar> out{0, Tensor<Scalar>::zeros(x.shape()), Tensor<Scalar>::ones(weight.shape()),
                     Tensor<Scalar>::ones({items})};
  kernels::transpose<Scalar>(x.view(), x_t.view());
  const auto each = [&](const auto& body) {
    for (Index begin = 0; begin < items; begin += block) body(begin, std::min(begin + block, items));
  };
  each([&](Index begin, Index end) {
    const Index part = begin < cut ? 0 : 1;
    kernels::catalogue_exponentials<Scalar, Isa>(
        weight.view().rows(begin, end), bias == nullptr ? nullptr : bias->data() + begin, x_t.view(), begin,
        targets.data(), e.view().rows(begin, end), ends.view().row(part), sum.view().row(part), hit.data(),
        dx.view().matrix().rows(part * rows, (part + 1) * rows));
    std::copy_n(ends.view().row(part), rows, tops.view().row(begin / block));
  });
  const Index parts = cut < items ? 2 : 1;
  out.loss = kernels::catalogue_losses<Scalar, Isa>(ends.view().rows(0, parts), sum.view().rows(0, parts), hit.data(),
                                                    greatest.data(), share.data(), factors.view().rows(0, parts));
  each([&](Index begin, Index end) {
    kernels::catalogue_weight_gradients<Scalar, Isa>(e.view().rows(begin, end), tops.view().row(begin / block),
                                                     greatest.data(), share.data(), begin, targets.data(), x.view(),
                                                     true, scaled.view(), out.dweight.view().rows(begin, end),
                                                     bias == nullptr ? nullptr : out.dbias.data() + begin);
  });
  for (Index r = 0; r < rows; ++r) {
    for (Index k = 0; k < width; ++k) {
      out.dx(r, k) = -weight(targets[static_cast<std::size_t>(r)], k);
      for (Index p = 0; p < parts; ++p) out.dx(r, k) += factors(p, r) * dx(p, r, k);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("the loss over a catalogue and its gradients match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const Index items : {Index(1), Index(17), block, 2 * block + 3}) {
      for (Index rows : test::sizes_around_width<Scalar, Isa>()) {
        for (const bool biased : {false, true}) {
          INFO("[" << rows << "] x [" << items << "], " << (biased ? "with" : "no") << " bias");
          const auto x = test::normal_as<Scalar>({rows, 5}, "x", Scalar(2));
          const auto weight = test::normal_as<Scalar>({items, 5}, "weight");
          const auto bias = test::normal_as<Scalar>({items}, "bias");
          std::vector<Index> targets;
          for (Index i = 0; i < rows; ++i) targets.push_back(items - 1 - (37 * i) % items);
          const auto got = tile<Scalar, Isa>(x, weight, biased ? &bias : nullptr, targets);

          const auto in = test::to_double(x), table = test::to_double(weight), offset = test::to_double(bias);
          const double* const offsets = biased ? offset.data() : nullptr;
          Tensor<double> each({rows}), dx({rows, 5}), dweight = Tensor<double>::ones({items, 5}),
                                                      dbias = Tensor<double>::ones({items});
          kernels::reference::linear_cross_entropy(in.view(), table.view(), offsets, 1, targets.data(), -100,
                                                   each.data());
          kernels::reference::linear_cross_entropy_backward(in.view(), table.view(), offsets, 1, targets.data(), -100,
                                                            dx.view(), dweight.view(), biased ? dbias.data() : nullptr);
          const double sum = each.array().sum();
          CHECK(got.loss == Approx(sum).epsilon(test::tolerance<Scalar>()).margin(test::tolerance<Scalar>()));
          test::check_close(got.dweight, dweight, test::tolerance<Scalar>(5e-6, 2e-14));
          test::check_close(got.dbias, dbias, test::tolerance<Scalar>(5e-6, 2e-14));
          test::check_close(got.dx, dx, test::tolerance<Scalar>(5e-6, 2e-14));
        }
      }
    }
  });
}

TEST_CASE("the loss over a catalogue handles large logits, and whole blocks of items hidden by a bias") {
  const Index items = 3 * block;
  const auto x = Tensor<float>::full({1, 1}, 1000.0f), ones = Tensor<float>::ones({items, 1});
  const std::vector<Index> target = {2 * block + 1};
  auto bias = Tensor<float>::zeros({items});
  CHECK(tile<float, simd::NativeIsa>(x, ones, &bias, target).loss ==
        Approx(std::log(static_cast<double>(items))).epsilon(1e-6));

  // The first two blocks form one part: hidden before or after a visible block, or both hidden. The gradient of x is
  // the mean of the visible weights, minus the target's.
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const auto weight = Tensor<float>::normal({items, 1}, Random(3));
  const auto small = Tensor<float>::full({1, 1}, 0.5f);
  for (const std::vector<Index>& hidden : {std::vector<Index>{0}, {1}, {0, 1}}) {
    INFO(hidden.size() << " blocks from " << hidden.front());
    bias = Tensor<float>::zeros({items});
    for (const Index b : hidden) {
      for (Index c = b * block; c < (b + 1) * block; ++c) bias.data()[c] = -infinity;
    }
    const auto got = tile<float, simd::NativeIsa>(small, weight, &bias, target);
    double sum = 0, dx = 0;
    for (Index c = 0; c < items; ++c) {
      const double e = std::exp(0.5 * static_cast<double>(weight(c, 0)) + static_cast<double>(bias.data()[c]));
      sum += e;
      dx += e * static_cast<double>(weight(c, 0));
    }
    CHECK(got.loss == Approx(std::log(sum) - 0.5 * static_cast<double>(weight(target[0], 0))).epsilon(1e-6));
    CHECK(got.dx(0, 0) == Approx(dx / sum - static_cast<double>(weight(target[0], 0))).epsilon(1e-5));
    CHECK(got.dbias.data()[hidden.front() * block] == 1.0f);
    CHECK(got.dweight(hidden.front() * block, 0) == 1.0f);
    CHECK(got.dbias.data()[2 * block] ==
          Approx(1 + std::exp(0.5 * static_cast<double>(weight(2 * block, 0))) / sum).epsilon(1e-6));
  }
  bias.data()[2 * block + 5] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(tile<float, simd::NativeIsa>(small, weight, &bias, target).loss));
}

TEST_CASE("the loss over a large catalogue does not lose many small terms beside a large one") {
  const Index items = 400 * block;
  const auto x = Tensor<float>::ones({1, 1}), weight = Tensor<float>::zeros({items, 1});
  auto bias = Tensor<float>::full({items}, std::log(3e-8f));
  bias.data()[0] = 0;
  const double sum = 1 + static_cast<double>(items - 1) * 3e-8;
  CHECK(tile<float, simd::NativeIsa>(x, weight, &bias, {0}).loss == Approx(std::log(sum)).epsilon(4e-3));  // its block
}

}  // namespace HEED_TEST_UNIT
