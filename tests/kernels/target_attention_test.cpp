// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/target_attention.hpp"

#include "heed/kernels/reference/target_attention.hpp"
#include "kernels/attention_cases.hpp"
#include "kernels/every_isa.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using test::MaskCase;
using test::same_bits;

struct Unit {
  std::vector<Index> hidden;
  Activation activation = Activation::sigmoid;
  bool softmax = true;
};

/// One target attention problem, with the kernel's and the reference's results.
template <class Scalar, class Isa>
struct Case : test::AttentionProblem<Scalar> {
  using Base = test::AttentionProblem<Scalar>;
  using Base::q, Base::k, Base::v, Base::d_context, Base::d_weights, Base::mask, Base::unit;
  Unit how;
  std::vector<Tensor<Scalar>> weight_of, transposed_of, bias_of;
  Tensor<Scalar> context, weights, dq, dk, dv, d_mlp;

  Case(const MaskCase<Scalar>& m, Index width, Index depth, Unit given) : Base(m, width, depth), how(given) {
    given.hidden.push_back(1);
    Index in = 4 * width;
    for (const Index out : given.hidden) {
      weight_of.push_back(test::normal_as<Scalar>({out, in}, "w" + std::to_string(weight_of.size())));
      bias_of.push_back(test::normal_as<Scalar>({out}, "b" + std::to_string(bias_of.size())));
      const Tensor<Scalar>& w = weight_of.back();
      for (Index i = 0; i < w.size(); ++i) weight_of.back().data()[i] /= std::sqrt(static_cast<Scalar>(in + 1));
      Tensor<Scalar> t({transposed_of.empty() ? width : in, out});
      for (Index r = 0; r < out; ++r) {
        for (Index c = 0; c < t.rows(); ++c) t(c, r) = w(r, c) + (transposed_of.empty() ? w(r, 2 * width + c) : 0);
      }
      transposed_of.push_back(t);
      in = out;
    }
  }

  /// Calls work(MLP, scratch filled with NaN).
  template <class Work>
  void with(const Work& work) const {
    std::vector<kernels::TargetLayer<Scalar>> layers;
    for (std::size_t l = 0; l < weight_of.size(); ++l) {
      const bool unread = l > 0 && l + 1 == weight_of.size();
      layers.push_back(
          {weight_of[l].view(), unread ? TensorView<const Scalar>() : transposed_of[l].view(), bias_of[l].data()});
    }
    const kernels::TargetMlp<Scalar> mlp{layers.data(), static_cast<Index>(layers.size()), how.activation, how.softmax};
    auto scratch = Tensor<Scalar>::full(
        {kernels::target_attention_scratch(mlp, k.rows(), q.cols(), v.cols(), mask.view().per_pair())}, nan());
    work(mlp, scratch.data());
  }
  static Scalar nan() { return std::numeric_limits<Scalar>::quiet_NaN(); }

  void run() {
    context = Tensor<Scalar>::full({q.rows(), v.cols()}, nan());
    weights = Tensor<Scalar>::full({q.rows(), k.rows()}, nan());
    dq = Tensor<Scalar>::ones(q.shape());
    dk = Tensor<Scalar>::ones(k.shape());
    dv = Tensor<Scalar>::ones(v.shape());
    with([&](const auto& mlp, Scalar* scratch) {
      d_mlp = Tensor<Scalar>::ones({mlp.parameters()});
      kernels::target_attention_forward<Scalar, Isa>(unit(), mlp, context.view(), weights.data(), scratch);
    });
    with([&](const auto& mlp, Scalar* scratch) {
      kernels::target_attention_backward<Scalar, Isa>(unit(), mlp, d_context.view(), d_weights.data(), dq.view(),
                                                      dk.view(), dv.view(), d_mlp.data(), scratch);
    });
  }
  void check() {
    run();
    const auto numbers = mask.numbers();
    const auto wide_q = test::to_double(q), wide_k = test::to_double(k), wide_v = test::to_double(v);
    std::vector<Tensor<double>> wide;
    Index size = 0;
    for (std::size_t l = 0; l < weight_of.size(); ++l) {
      wide.push_back(test::to_double(weight_of[l]));
      wide.push_back(test::to_double(bias_of[l]));
      size += weight_of[l].size() + bias_of[l].size();
    }
    auto want_mlp = Tensor<double>::ones({size});
    std::vector<kernels::reference::TargetLayer> layers;
    double* to = want_mlp.data();
    for (std::size_t l = 0; l < wide.size(); l += 2) {
      layers.push_back({wide[l].view().matrix(), wide[l + 1].data(), to, to + wide[l].size()});
      to += wide[l].size() + wide[l + 1].size();
    }
    Tensor<double> p(numbers.shape()), y({q.rows(), v.cols()});
    kernels::reference::target_attention(wide_q.view(), wide_k.view(), wide_v.view(), layers, how.activation,
                                         how.softmax, numbers.view(), p.view(), y.view());
    test::check_close(context, y, test::tolerance<Scalar>(1e-5, 1e-13));
    test::check_close(weights, p, test::tolerance<Scalar>(1e-5, 1e-13));
    const auto ones = [](const Tensor<Scalar>& x) { return Tensor<double>::ones(x.shape()); };
    auto want_q = ones(q), want_k = ones(k), want_v = ones(v);
    kernels::reference::target_attention_backward(wide_q.view(), wide_k.view(), wide_v.view(), layers, how.activation,
                                                  how.softmax, numbers.view(), p.view(),
                                                  test::to_double(d_context).view(), test::to_double(d_weights).view(),
                                                  want_q.view(), want_k.view(), want_v.view());
    test::check_gradients(*this, want_q, want_k, want_v, test::tolerance<Scalar>(3e-5, 1e-12));
    test::check_close(d_mlp, want_mlp, test::tolerance<Scalar>(3e-5, 1e-12));
  }
};

TEST_CASE("target attention and its gradients match the reference under every mask and at every size") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    const auto with = [](Index queries, Index keys, Index width, Index depth, const Unit& unit) {
      test::for_every_mask<Scalar>(queries, keys, width, depth,
                                   [&](const auto& mask) { Case<Scalar, Isa>(mask, width, depth, unit).check(); });
    };
    for (const Index size : test::sizes_around_width<Scalar, Isa>()) {
      with(3, 5, size, 4, {{5}});
      with(3, 5, 4, size, {{5}});
      with(2, size, 3, 2, {{5}});
      if (size > 0) with(3, 5, 4, 2, {{size, 3}, Activation::gelu});
    }
    with(0, 3, 4, 2, {{5}});
    with(1, 1, 4, 2, {{5}});
    with(9, 4, 4, 2, {{}});
    with(4, 6, 3, 2, {{5, 4, 3}, Activation::tanh, false});
    with(4, 6, 3, 2, {{5}, Activation::silu, false});
    with(2, 101, 3, 2, {{7}});
  });
}

TEST_CASE("hidden keys do not affect a candidate, even if they hold NaN or infinity") {
  test::for_every_isa([]<class Scalar, class Isa>() {
    for (const bool softmax : {true, false}) {
      for (const auto& mask : test::mask_cases<Scalar>(5, 7)) {
        INFO(mask.label);
        const Case<Scalar, Isa> clean(mask, 5, 3, {{4}, Activation::sigmoid, softmax});
        test::check_no_influence_of_hidden(mask, clean, &Case<Scalar, Isa>::d_mlp);
      }
    }
  });
}

TEST_CASE("target attention omits outputs that are not requested") {
  const auto masks = test::mask_cases<double>(5, 7);
  for (const auto& mask : {masks[1], masks[5]}) {
    Case<double, simd::NativeIsa> c(mask, 3, 2, {{4, 3}});
    c.run();
    Tensor<double> context(c.context.shape());
    c.with([&](const auto& mlp, double* scratch) {
      kernels::target_attention_forward<double>(c.unit(), mlp, context.view(), nullptr, scratch);
    });
    CHECK(same_bits(context, c.context));
    for (const int only : {0, 1, 2, 3}) {
      auto dq = Tensor<double>::ones(c.dq.shape()), dk = Tensor<double>::ones(c.dk.shape());
      auto dv = Tensor<double>::ones(c.dv.shape()), d_mlp = Tensor<double>::ones(c.d_mlp.shape());
      const auto ask = [&](Tensor<double>& x, int which) { return only == which ? x.view() : TensorView<double>(); };
      c.with([&](const auto& mlp, double* scratch) {
        kernels::target_attention_backward<double>(c.unit(), mlp, c.d_context.view(), c.d_weights.data(), ask(dq, 0),
                                                   ask(dk, 1), ask(dv, 2), only == 3 ? d_mlp.data() : nullptr, scratch);
      });
      CHECK(same_bits(dq, only == 0 ? c.dq : Tensor<double>::ones(c.dq.shape())));
      CHECK(same_bits(dk, only == 1 ? c.dk : Tensor<double>::ones(c.dk.shape())));
      CHECK(same_bits(dv, only == 2 ? c.dv : Tensor<double>::ones(c.dv.shape())));
      CHECK(same_bits(d_mlp, only == 3 ? c.d_mlp : Tensor<double>::ones(c.d_mlp.shape())));
    }
  }
}

}  // namespace HEED_TEST_UNIT
