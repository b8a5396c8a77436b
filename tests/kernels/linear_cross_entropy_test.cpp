// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/linear_cross_entropy.hpp"

#include <cmath>

#include "heed/kernels/reference/linear_cross_entropy.hpp"
#include "kernels/every_isa.hpp"

using namespace heed;

namespace {

constexpr Index block = kernels::catalogue_block;

template <class Scalar>
struct Result {
  double loss = 0;
  Tensor<Scalar> dx, dweight, dbias;
};

/// One tile of rows against two parts of the items, as the operation goes; the weights' gradients are added to ones.
template <class Scalar, class Isa>
Result<Scalar> tile(const Tensor<Scalar>& x, const Tensor<Scalar>& weight, const Tensor<Scalar>* bias,
                    const std::vector<Index>& targets) {
  const Index rows = x.rows(), width = x.cols(), items = weight.rows(), blocks = (items + block - 1) / block;
  const Index cut = (blocks + 1) / 2 * block;  // where the second part begins
  Tensor<Scalar> x_t({width, rows}), e({items, rows}), tops({blocks, rows}), hit({rows}), most({rows}), share({rows}),
      scaled({rows, width}), sum = Tensor<Scalar>::zeros({2, rows}),
                             ends = Tensor<Scalar>::full({2, rows}, -std::numeric_limits<Scalar>::infinity()),
                             dx = Tensor<Scalar>::zeros({2, rows, width});
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
                                                    most.data(), share.data());
  each([&](Index begin, Index end) {
    kernels::catalogue_weight_gradients<Scalar, Isa>(e.view().rows(begin, end), tops.view().row(begin / block),
                                                     most.data(), share.data(), begin, targets.data(), x.view(), true,
                                                     scaled.view(), out.dweight.view().rows(begin, end),
                                                     bias == nullptr ? nullptr : out.dbias.data() + begin);
  });
  for (Index r = 0; r < rows; ++r) {
    for (Index k = 0; k < width; ++k) {
      out.dx(r, k) = -weight(targets[static_cast<std::size_t>(r)], k);
      for (Index p = 0; p < parts; ++p) out.dx(r, k) += sum(p, r) * dx(p, r, k);
    }
  }
  return out;
}

}  // namespace

TEST_CASE("the loss over a catalogue and its gradients are the reference's") {
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

TEST_CASE("the loss over a catalogue takes large logits and items that a bias hides, whole blocks of them") {
  const Index items = 3 * block;
  const auto x = Tensor<float>::full({1, 1}, 1000.0f), weight = Tensor<float>::ones({items, 1});
  const std::vector<Index> target = {2 * block + 1};
  auto bias = Tensor<float>::zeros({items});
  auto got = tile<float, simd::NativeIsa>(x, weight, &bias, target);
  CHECK(got.loss == Approx(std::log(static_cast<double>(items))).epsilon(1e-6));

  for (Index c = 0; c < 2 * block; ++c) bias.data()[c] = -std::numeric_limits<float>::infinity();
  got = tile<float, simd::NativeIsa>(x, weight, &bias, target);
  CHECK(got.loss == Approx(std::log(static_cast<double>(block))).epsilon(1e-6));
  CHECK(got.dbias(0) == 1.0f);
  CHECK(got.dbias(2 * block) == Approx(1 + 1.0 / static_cast<double>(block)));
  CHECK(got.dbias(target[0]) == Approx(1.0 / static_cast<double>(block)));
  CHECK(got.dx(0, 0) == Approx(0.0).margin(1e-5));

  bias.data()[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(tile<float, simd::NativeIsa>(x, weight, &bias, target).loss));
}
