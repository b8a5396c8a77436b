// SPDX-License-Identifier: Apache-2.0
// The two conveniences: the forward declarations agree with what they declare, and the umbrella leaves nothing out.
#include "heed/fwd.hpp"

namespace {

// Enough for a header that passes references on; the definitions follow below.
heed::Index size_of(const heed::Tensor<double>& tensor);
heed::Index users_of(const heed::data::Interactions& log);

}  // namespace

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "heed/heed.hpp"

namespace {

heed::Index size_of(const heed::Tensor<double>& tensor) { return tensor.size(); }
heed::Index users_of(const heed::data::Interactions& log) { return log.num_users(); }

/// Every forward declaration is of the same kind as its definition: an alias or a second template would not convert.
template <template <class> class... Templates>
struct OfOneScalar {};
using Declared =
    OfOneScalar<heed::Gradients, heed::Parameter, heed::Tape, heed::Tensor, heed::TensorView, heed::Var,
                heed::nn::AdditiveAttention, heed::nn::AttentionPooling, heed::nn::Embedding, heed::nn::GRU,
                heed::nn::HSTULayer, heed::nn::LayerNorm, heed::nn::LiGRLayer, heed::nn::Linear, heed::nn::LSTM,
                heed::nn::Mlp, heed::nn::MultiHeadAttention, heed::nn::TargetAttention,
                heed::nn::TransformerEncoderLayer, heed::optim::Adam, heed::optim::AdamW, heed::optim::Sgd,
                heed::recsys::BatchRanker, heed::recsys::HiddenMarkov, heed::recsys::Seq2Seq, heed::recsys::Session>;

template <class... Types>
constexpr bool all_complete = ((sizeof(Types) > 0) && ...);
static_assert(all_complete<Declared, heed::Arena, heed::Executor, heed::Mask, heed::Random, heed::Segments, heed::Shape,
                           heed::data::Vocabulary, heed::data::Batch, heed::data::Interactions, heed::data::Split,
                           heed::recsys::Markov, heed::recsys::PersonalFrequency, heed::recsys::Popularity,
                           heed::recsys::Task, heed::recsys::TifuKnn, heed::recsys::Evaluation, heed::data::History,
                           heed::recsys::SampledEvaluation>);

}  // namespace

TEST_CASE("forward declarations serve functions that are defined later", "[fwd]") {
  CHECK(size_of(heed::Tensor<double>::of({1, 2, 6})) == 3);
  CHECK(users_of({}) == 0);
}

TEST_CASE("the umbrella has every header of its folders", "[heed]") {
  namespace fs = std::filesystem;
  const fs::path include = fs::path(HEED_SOURCE_DIR) / "include";
  std::ifstream in(include / "heed" / "heed.hpp");
  const std::string umbrella{std::istreambuf_iterator<char>(in), {}};
  int found = 0;
  for (const char* folder : {"core", "autograd", "ops", "nn", "optim", "data", "recsys"}) {
    for (const auto& entry : fs::recursive_directory_iterator(include / "heed" / folder)) {
      const std::string header = fs::relative(entry.path(), include).generic_string();
      // The registry is a list for tests, and details come with the headers that need them.
      if (!header.ends_with(".hpp") || header.find("/detail/") != std::string::npos ||
          header == "heed/ops/registry.hpp") {
        continue;
      }
      CAPTURE(header);
      CHECK(umbrella.find("#include \"" + header + "\"\n") != std::string::npos);
      ++found;
    }
  }
  CHECK(std::count(umbrella.begin(), umbrella.end(), '#') == found + 1);  // and no other; one is the pragma
}
