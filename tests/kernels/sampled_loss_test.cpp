// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/sampled_loss.hpp"

#include <cmath>

#include "heed/kernels/reference/sampled_loss.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using kernels::SampledLoss;

namespace {

constexpr SampledLoss kinds[] = {SampledLoss::softmax, SampledLoss::bce, SampledLoss::gbce};

}  // namespace

TEST_CASE("losses against sampled negatives and their gradients match the reference") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    constexpr Scalar infinity = std::numeric_limits<Scalar>::infinity();
    for (const SampledLoss kind : kinds) {
      for (const Index candidates : {1, 2, 9}) {
        for (const Index rows : test::sizes_around_width<Scalar, Isa>()) {
          INFO("kind " << static_cast<int>(kind) << ", [" << candidates << ", " << rows << "]");
          const double beta = 0.25;
          auto logits = test::normal_as<Scalar>({candidates, rows}, "logits", Scalar(4));
          for (Index r = 0; candidates > 1 && r < rows; r += 3) logits(1 + r % (candidates - 1), r) = -infinity;
          const Tensor<double> in = test::to_double(logits);
          double want = 0;
          Tensor<double> slopes({candidates, rows});
          for (Index r = 0; r < rows; ++r) {
            std::vector<double> row(static_cast<std::size_t>(candidates)), d(row);
            for (Index j = 0; j < candidates; ++j) row[static_cast<std::size_t>(j)] = in(j, r);
            want += kernels::reference::sampled_loss(kind, beta, candidates, row.data());
            kernels::reference::sampled_loss_backward(kind, beta, candidates, row.data(), d.data());
            for (Index j = 0; j < candidates; ++j) slopes(j, r) = d[static_cast<std::size_t>(j)];
          }
          const double got = kernels::sampled_losses<Scalar, Isa>(kind, beta, logits.view());
          CHECK(got == Approx(want).epsilon(test::tolerance<Scalar>()).margin(1e-12));
          test::check_close(logits, slopes, test::tolerance<Scalar>());
        }
      }
    }
  });
}

TEST_CASE("losses against sampled negatives neither overflow nor lose a small loss") {
  for (const SampledLoss kind : kinds) {
    Tensor<float> far({2, 1}), near({2, 1});
    far(0, 0) = -(far(1, 0) = 1000);
    near(1, 0) = -(near(0, 0) = 20);
    const double large = kernels::sampled_losses<float>(kind, 1, far.view());
    CHECK(large == Approx(kind == SampledLoss::gbce ? 1000 : 2000));
    CHECK(far(0, 0) == (kind == SampledLoss::gbce ? -0.5f : -1.0f));
    if (kind == SampledLoss::softmax) continue;  // log (1 + e^-40) is 0 in float
    const double small = kernels::sampled_losses<float>(kind, 1, near.view());
    CHECK(small == Approx((kind == SampledLoss::gbce ? 1 : 2) * std::exp(-20.0)).epsilon(1e-5));
  }
}

TEST_CASE("products with rows that are looked up match the definition") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const std::vector<Index> rows = {0, 3, 1};
    // Fewer items than the prefetch distance, and more.
    for (const std::vector<Index>& items : {std::vector<Index>{4, 0, 4}, {4, 0, 4, 2, 2, 1, 4, 3, 0, 1, 1, 3}}) {
      const Index count = std::ssize(items) / 3;
      for (const Index width : test::sizes_around_width<Scalar, Isa>()) {
        INFO(count << " per row, width " << width);
        // Columns of wider arrays.
        const auto whole_x = test::normal_as<Scalar>({4, width + 3}, "x");
        const auto whole_table = test::normal_as<Scalar>({5, width + 2}, "table");
        const auto x = whole_x.view().columns(1, width + 1), table = whole_table.view().columns(2, width + 2);
        const auto slope = test::normal_as<Scalar>({count, 3}, "slope");
        Tensor<Scalar> y({count, 3}), dx = Tensor<Scalar>::ones({4, width}), dtable = Tensor<Scalar>::ones({5, width});
        const Index *const which = rows.data(), *const wanted = items.data();
        kernels::dot_items<Scalar, Isa>(x, which, table, wanted, Scalar(3), y.view());
        kernels::add_items<Scalar, Isa>(slope.view(), table, wanted, Scalar(0.5), dx.view(), which);
        const Index cut = width / 2;
        for (const auto& [from, to] : {std::pair(Index(0), cut), std::pair(cut, width)}) {
          kernels::scatter_items<Scalar, Isa>(slope.view(), x.columns(from, to), which, wanted, Scalar(0.5),
                                              dtable.view().columns(from, to));
        }
        Tensor<double> want_y({count, 3}), want_dx = Tensor<double>::ones({4, width}),
                                           want_dtable = Tensor<double>::ones({5, width});
        for (Index r = 0; r < 3; ++r) {
          const Index row = rows[static_cast<std::size_t>(r)];
          for (Index j = 0; j < count; ++j) {
            const Index item = items[static_cast<std::size_t>(count * r + j)];
            const double g = 0.5 * static_cast<double>(slope(j, r));
            for (Index k = 0; k < width; ++k) {
              const double of_x = static_cast<double>(x(row, k)), of_table = static_cast<double>(table(item, k));
              want_y(j, r) += 3 * of_x * of_table;
              want_dx(row, k) += g * of_table;
              want_dtable(item, k) += g * of_x;
            }
          }
        }
        test::check_close(y, want_y, test::tolerance<Scalar>());
        test::check_close(dx, want_dx, test::tolerance<Scalar>());
        test::check_close(dtable, want_dtable, test::tolerance<Scalar>());
      }
    }
  });
}

}  // namespace HEED_TEST_UNIT
