// SPDX-License-Identifier: Apache-2.0
// Every options struct of heed, and the names of types. tests/architecture/options_test.cpp checks that none is
// missing.
#pragma once

#include <algorithm>
#include <heed/heed.hpp>
#include <heed/io/arrow.hpp>
#include <heed/io/checkpoint.hpp>
#include <heed/io/log_options.hpp>
#include <heed/nn/detail/recurrent.hpp>
#include <heed/testing/gradcheck.hpp>
#include <string>
#include <tuple>

namespace all_options {

using namespace heed;

using All = std::tuple<
    TapeOptions, data::KCoreOptions, data::ReadOptions, data::DelimitedOptions, data::ItemsOptions, data::TimeOptions,
    data::TokenBatchOptions, nn::AdditiveAttentionOptions, nn::AttentionPoolingOptions, nn::detail::RecurrentOptions,
    nn::DropoutOptions, nn::EmbeddingOptions, nn::GruOptions, nn::HSTULayerOptions, nn::LayerNormOptions,
    nn::LiGRLayerOptions, nn::LinearOptions, nn::MlpOptions, nn::MultiHeadAttentionOptions, nn::TargetAttentionOptions,
    nn::TransformerEncoderLayerOptions, AttentionOptions, CrossEntropyOptions, GatedProductOptions<float>,
    LinearCrossEntropyOptions, LinearDropoutOptions<float>, PointwiseAttentionOptions<float>, SampledLossOptions,
    optim::AdamOptions, optim::AdamWOptions, optim::ClipOptions, optim::ScheduleOptions, optim::SgdOptions,
    recsys::BatchRankerOptions, recsys::BootstrapOptions, recsys::CandidateScorerOptions, recsys::EvaluateOptions,
    recsys::EvaluateSampledOptions, recsys::ExplainOptions, recsys::HistoryInputOptions, recsys::RankOptions,
    recsys::NextItemLoss, recsys::AnyEncoderOptions, recsys::AttentionEncoderOptions, recsys::DINOptions,
    recsys::HiddenMarkovOptions, recsys::HSTUEncoderOptions, recsys::LiGREncoderOptions, recsys::MarkovOptions,
    recsys::NarmEncoderOptions, recsys::SASRecEncoderOptions, recsys::Seq2SeqOptions, recsys::TifuKnnOptions,
    recsys::NextItemOptions, recsys::PointerHeadOptions, recsys::PositionsOptions,
    recsys::RecurrentEncoderOptions<nn::GRU>, recsys::SessionOptions, recsys::TaskOptions, recsys::TrainOptions,
    recsys::WarmStartOptions, testing::GradcheckOptions, recsys::Configuration, recsys::ClickConfiguration,
    io::LoadOptions, io::LogOptions, io::ArrowOptions>;

/// Calls `f(options)` for each of the structs, with default values.
template <class F>
void for_each(F&& f) {
  std::apply([&](auto... options) { (f(options), ...); }, All());
}

/// The name of T without namespaces and template arguments: "DINOptions".
template <class T>
std::string type_name() {
  const std::string text = __PRETTY_FUNCTION__;  // ".. [with T = heed::..::Name<..>; ..]" or ".. [T = ..]"
  const std::size_t begin = text.find("T = ") + 4;
  const std::string type = text.substr(begin, text.find_first_of("<;]", begin) - begin);
  return type.substr(type.rfind(':') + 1);
}

}  // namespace all_options
