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
  Tensor<Scalar> dlogits, dweight, dbias;
};

/// One tile of rows against all blocks of items, as the operation goes.
template <class Scalar, class Isa>
Result<Scalar> tile(const Tensor<Scalar>& x, const Tensor<Scalar>& weight, const Tensor<Scalar>* bias,
                    const std::vector<Index>& targets) {
  const Index rows = x.rows(), items = weight.rows(), blocks = (items + block - 1) / block;
  Tensor<Scalar> x_t({x.cols(), rows}), top({blocks, rows}), sum({blocks, rows}), hit({rows});
  Result<Scalar> out{0, Tensor<Scalar>({items, rows}), Tensor<Scalar>::ones(weight.shape()),
                     Tensor<Scalar>::ones({items})};
  kernels::transpose<Scalar>(x.view(), x_t.view());
  const auto each = [&](const auto& body) {
    for (Index begin = 0; begin < items; begin += block) body(begin, std::min(begin + block, items));
  };
  each([&](Index begin, Index end) {
    const Index b = begin / block;
    kernels::catalogue_exponentials<Scalar, Isa>(
        weight.view().rows(begin, end), bias == nullptr ? nullptr : bias->data() + begin, x_t.view(), begin,
        targets.data(), out.dlogits.view().rows(begin, end), top.view().row(b), sum.view().row(b), hit.data());
  });
  out.loss = kernels::catalogue_losses<Scalar, Isa>(top.view(), sum.view(), hit.data());
  each([&](Index begin, Index end) {
    kernels::catalogue_gradients<Scalar, Isa>(sum.view().row(begin / block), begin, targets.data(), x.view(), true,
                                              out.dlogits.view().rows(begin, end), out.dweight.view().rows(begin, end),
                                              bias == nullptr ? nullptr : out.dbias.data() + begin);
  });
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
          Tensor<Scalar> got_dx({rows, 5});
          kernels::gemm_tn<Scalar, Isa>(got.dlogits.view(), weight.view(), got_dx.view());
          test::check_close(got_dx, dx, test::tolerance<Scalar>(5e-6, 2e-14));
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
  CHECK(got.dlogits(0, 0) == 0.0f);
  CHECK(got.dlogits(2 * block, 0) == Approx(1.0 / static_cast<double>(block)));
  CHECK(got.dlogits(target[0], 0) == Approx(1.0 / static_cast<double>(block) - 1));

  bias.data()[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(tile<float, simd::NativeIsa>(x, weight, &bias, target).loss));
}
