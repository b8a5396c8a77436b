// SPDX-License-Identifier: Apache-2.0
// Compares heed's defaults with PyTorch's signatures (fixtures/defaults.json). Differences must be listed in
// docs/pytorch.md.
#include <catch2/catch.hpp>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "heed/nn/dropout.hpp"
#include "heed/nn/embedding.hpp"
#include "heed/nn/gru.hpp"
#include "heed/nn/lstm.hpp"
#include "heed/nn/transformer.hpp"
#include "heed/ops/bce_with_logits.hpp"
#include "heed/ops/cross_entropy.hpp"
#include "heed/ops/mse_loss.hpp"
#include "heed/optim/adamw.hpp"
#include "heed/optim/clip.hpp"
#include "heed/optim/sgd.hpp"

namespace HEED_TEST_UNIT {

using nlohmann::json;
using Rows = std::set<std::vector<std::string>>;

struct Default {
  std::string owner, option;  // PyTorch's names
  json value;                 // heed's
};

/// Returns the default reduction of a loss, determined from a loss over two elements.
template <class Loss>
std::string reduction_of(const Loss& loss) {
  heed::Tape<double> tape;
  const auto x = tape.constant(heed::Tensor<double>::of({2, 4})), zeros = tape.constant(heed::Tensor<double>({2}));
  const auto value = loss(x, zeros), sum = loss(x, zeros, heed::Reduction::sum);
  if (value.shape() != heed::Shape{}) return "none";
  return value.item() == sum.item() ? "sum" : "mean";
}

std::vector<Default> heed_defaults() {
  using namespace heed;
  const nn::LstmOptions lstm;
  const nn::GruOptions gru;
  const nn::EmbeddingOptions embedding;
  const nn::MultiHeadAttentionOptions attention;
  const nn::TransformerEncoderLayerOptions block;
  const CrossEntropyOptions cross_entropy;
  const optim::SgdOptions sgd;
  const optim::AdamOptions adam;
  const optim::AdamWOptions adamw;
  return {{"Linear", "bias", nn::LinearOptions().bias},
          {"Embedding", "padding_idx", embedding.padding_idx},
          {"LayerNorm", "eps", nn::LayerNormOptions().eps},
          {"Dropout", "p", nn::DropoutOptions().p},
          {"LSTM", "num_layers", lstm.num_layers},
          {"LSTM", "bias", lstm.bias},
          {"LSTM", "bidirectional", lstm.bidirectional},
          {"LSTM", "dropout", lstm.dropout},
          {"LSTM", "proj_size", lstm.proj_size},
          {"GRU", "num_layers", gru.num_layers},
          {"GRU", "bias", gru.bias},
          {"GRU", "bidirectional", gru.bidirectional},
          {"GRU", "dropout", gru.dropout},
          {"MultiheadAttention", "dropout", attention.dropout},
          {"MultiheadAttention", "bias", attention.bias},
          {"MultiheadAttention", "kdim", attention.kdim},
          {"MultiheadAttention", "vdim", attention.vdim},
          {"MultiheadAttention.forward", "need_weights", AttentionCall().weights},
          {"MultiheadAttention.forward", "is_causal", AttentionCall().mask.is_causal()},
          {"TransformerEncoderLayer", "dim_feedforward", block.feedforward_dim},
          {"TransformerEncoderLayer", "dropout", block.dropout},
          {"TransformerEncoderLayer", "dropout", block.attention_dropout},
          {"TransformerEncoderLayer", "dropout", block.activation_dropout},
          {"TransformerEncoderLayer", "activation", block.activation == Activation::relu ? "relu" : "another"},
          {"TransformerEncoderLayer", "layer_norm_eps", block.eps},
          {"TransformerEncoderLayer", "norm_first", block.norm != nn::NormPlacement::post},
          {"CrossEntropyLoss", "ignore_index", cross_entropy.ignore_index},
          {"CrossEntropyLoss", "label_smoothing", cross_entropy.label_smoothing},
          {"CrossEntropyLoss", "reduction", cross_entropy.reduction == Reduction::mean ? "mean" : "another"},
          {"BCEWithLogitsLoss", "reduction", reduction_of([](auto... x) { return bce_with_logits(x...); })},
          {"MSELoss", "reduction", reduction_of([](auto... x) { return mse_loss(x...); })},
          {"SGD", "lr", sgd.learning_rate},
          {"SGD", "momentum", sgd.momentum},
          {"SGD", "nesterov", sgd.nesterov},
          {"SGD", "weight_decay", sgd.weight_decay},
          {"Adam", "lr", adam.learning_rate},
          {"Adam", "betas", {adam.beta1, adam.beta2}},
          {"Adam", "eps", adam.eps},
          {"Adam", "weight_decay", adam.weight_decay},
          {"AdamW", "lr", adamw.learning_rate},
          {"AdamW", "betas", {adamw.beta1, adamw.beta2}},
          {"AdamW", "eps", adamw.eps},
          {"AdamW", "weight_decay", adamw.weight_decay},
          {"clip_grad_norm_", "error_if_nonfinite", optim::ClipOptions().error_if_nonfinite}};
}

/// Returns the value in Python's notation.
std::string python(const json& value) {
  if (value.is_null()) return "None";
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  return value.is_string() ? value.get<std::string>() : value.dump();
}

/// Returns the rows of the table under a heading of docs/pytorch.md, including the table's header, without backticks.
Rows table(const std::string& heading) {
  std::ifstream file(std::string(HEED_SOURCE_DIR) + "/docs/pytorch.md");
  Rows out;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("#")) inside = line == heading;
    if (!inside || !line.starts_with("| ")) continue;
    std::erase(line, '`');
    std::vector<std::string> cells;
    for (std::size_t at = 2, end; (end = line.find(" |", at)) != std::string::npos; at = end + 3) {
      cells.push_back(line.substr(at, end - at));
    }
    out.insert(cells);
  }
  return out;
}

TEST_CASE("every default equals PyTorch's or is in the tables of docs/pytorch.md") {
  const json fixture =
      json::parse(std::ifstream(std::string(HEED_SOURCE_DIR) + "/tests/parity/fixtures/defaults.json"));
  const json& torch = fixture.at("defaults");
  Rows differing{{"PyTorch's class", "argument", "PyTorch", "heed"}, {"---", "---", "---", "---"}};
  std::set<std::pair<std::string, std::string>> known;
  for (const Default& ours : heed_defaults()) {
    INFO(ours.owner << " " << ours.option);
    known.emplace(ours.owner, ours.option);
    const json& theirs = torch.at(ours.owner).at(ours.option);
    if (theirs != ours.value) differing.insert({ours.owner, ours.option, python(theirs), python(ours.value)});
  }
  CHECK(table("## Defaults that differ") == differing);

  std::map<std::string, std::set<std::string>> missing;  // arguments without a counterpart, and their classes
  for (const auto& [owner, arguments] : torch.items()) {
    for (const auto& [argument, value] : arguments.items()) {
      if (!known.contains({owner, argument})) missing[argument].insert(owner);
    }
  }
  Rows absent{{"argument", "of"}, {"---", "---"}};
  for (const auto& [argument, owners] : missing) {
    std::string list;
    for (const std::string& owner : owners) list += (list.empty() ? "" : ", ") + owner;
    absent.insert({argument, list});
  }
  CHECK(table("## Arguments that heed does not have") == absent);
}

}  // namespace HEED_TEST_UNIT
