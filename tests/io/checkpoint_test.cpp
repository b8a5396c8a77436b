// SPDX-License-Identifier: Apache-2.0
// Checkpoints: round trips, errors that list all mismatches, and modules that a failed load leaves unchanged.
#include "heed/io/checkpoint.hpp"

#include <catch2/catch.hpp>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "heed/nn/embedding.hpp"
#include "heed/nn/linear.hpp"
#include "heed/nn/lstm.hpp"
#include "support/error_of.hpp"
#include "temporary.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using heed::Index;
using heed::io::SafetensorsFile;
using heed::io::tensor_source;
using heed::test::error_of;
using temporary::Folder;
namespace nn = heed::nn;

template <class Scalar>
struct Model {
  using scalar_type = Scalar;
  nn::Embedding<Scalar> items{{.num_embeddings = 5, .embedding_dim = 3, .padding_idx = 2}};
  nn::LSTM<Scalar> encoder{{.input_size = 3, .hidden_size = 4, .num_layers = 2, .proj_size = 2}};
  nn::Linear<Scalar> head{{.in_features = 2, .out_features = 1}};

  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("items", items);
    visitor("encoder", encoder);
    visitor("head", head);
  }
};

template <class Scalar>
std::vector<Scalar> flattened(const Model<Scalar>& model) {
  std::vector<Scalar> out;
  nn::for_each_parameter(model, [&](const std::string&, const auto& p) {
    out.insert(out.end(), p.value().data(), p.value().data() + p.size());
  });
  return out;
}

TEMPLATE_TEST_CASE("a saved module is loaded with the same bits and metadata", "", float, double) {
  const Folder folder;
  const std::string path = folder.file("model.safetensors");
  Model<TestType> written, read;
  nn::initialize(written, heed::Random(1));
  heed::io::save(std::as_const(written), path, {{"epoch", "7"}});  // a const module can be saved
  heed::io::load(read, path);
  CHECK(flattened(read) == flattened(written));
  CHECK(flattened(read)[0] != 0);
  const SafetensorsFile file(path);
  CHECK(file.metadata().at("epoch") == "7");
  CHECK(file.info("encoder.weight_hr_l1").shape == std::vector<Index>{2, 4});
  CHECK(file.tensors().size() == nn::parameters(read).size());
  CHECK(folder.entries() == 1);
}

TEST_CASE("several modules are saved as one, with numbers as prefixes") {
  const Folder folder;
  nn::Linear<float> a({.in_features = 2, .out_features = 3}), b({.in_features = 2, .out_features = 3});
  nn::initialize(a, heed::Random(1));
  CHECK_THROWS_WITH(heed::io::save(nn::modules(a, b), folder.file("two")),
                    Catch::Matchers::Contains("save: 1.weight was never initialised"));
  nn::init_constant(b.weight, 0);
  nn::init_constant(b.bias, 0);
  heed::io::save(nn::modules(a, b), folder.file("two"));
  heed::io::load(nn::modules(b, a), folder.file("two"));
  CHECK(b.weight.value()(0, 0) != 0);
  CHECK(a.weight.value()(0, 0) == 0);
}

TEST_CASE("precision: float into double is exact, double into float requires narrowing") {
  const Folder folder;
  Model<float> narrow;
  Model<double> wide;
  nn::initialize(narrow, heed::Random(1));
  heed::io::save(narrow, folder.file("f32"));
  heed::io::load(wide, folder.file("f32"));
  const auto exact = flattened(narrow);
  CHECK(flattened(wide) == std::vector<double>(exact.begin(), exact.end()));
  heed::io::save(wide, folder.file("f64"));
  Model<float> back;
  const std::string text = error_of([&] { heed::io::load(back, folder.file("f64")); });
  CHECK_THAT(text, Contains("wrong type: head.weight is F64, wanted F32") && Contains("items.weight"));
  CHECK(flattened(back) == std::vector<float>(exact.size()));
  heed::io::load(back, folder.file("f64"), {.narrowing = heed::io::Narrowing::allow});
  CHECK(flattened(back) == exact);
}

TEST_CASE("all mismatches are listed in one error, and nothing is changed") {
  const Folder folder;
  const std::string path = folder.file("other");
  const std::vector<double> numbers(15, 9);
  heed::io::write_safetensors(path, {tensor_source<double>("items.weight", {5, 3}, numbers),
                                     tensor_source<double>("head.weight", {2, 1}, std::span(numbers).first(2)),
                                     tensor_source<double>("head.\x1b[2J", {3, 4}, std::span(numbers).first(12)),
                                     tensor_source<double>("encoder.weight_hr_l0", {8}, std::span(numbers).first(8))});
  Model<double> model;
  nn::initialize(model, heed::Random(3));
  const auto before = flattened(model);
  const std::string text = error_of([&] { heed::io::load(model, path); });
  CHECK_THAT(text, Contains("load: " + path));
  CHECK_THAT(text, Contains("wrong shape: head.weight is [2, 1], wanted [1, 2]"));
  CHECK_THAT(text, Contains("wrong shape: encoder.weight_hr_l0 is [8], wanted [2, 4]"));
  CHECK_THAT(text, Contains("unexpected: head.\\x1b[2J [3, 4]"));
  CHECK_THAT(text, Contains("missing: head.bias [1]") && Contains("missing: encoder.weight_ih_l0 [16, 3]"));
  CHECK_THAT(text, !Contains("items.weight"));
  CHECK(flattened(model) == before);
  CHECK_THAT(error_of([&] { heed::io::load(model, folder.file("none")); }), Contains("cannot open"));
  CHECK(flattened(model) == before);
}

TEST_CASE("a module is loaded from a part of a file, with other names") {
  const Folder folder;
  const std::vector<float> numbers{1, 2, 3, 4, 5, 6};
  const auto source = [&](const char* name, std::vector<Index> shape, std::size_t size) {
    return tensor_source<float>(name, std::move(shape), std::span(numbers).first(size));
  };
  heed::io::write_safetensors(folder.file("all"), {source("model.fc.W", {2, 3}, 6), source("model.bias", {2}, 2),
                                                   source("model.\x1b", {1}, 1), source("bias", {1}, 1)});
  nn::Linear<float> layer({.in_features = 3, .out_features = 2});
  const auto report =
      heed::io::load(layer, folder.file("all"), {.prefix = "model.", .rename = {{"fc.W", "weight"}}, .strict = false});
  CHECK(report.loaded == std::vector<std::string>{"weight", "bias"});
  CHECK(report.missing.empty());
  CHECK(std::set(report.unexpected.begin(), report.unexpected.end()) == std::set<std::string>{"bias", "model.\x1b"});
  CHECK_THAT(to_string(report), Contains("loaded 2 of 2 parameters\n") && Contains("\n  unexpected: model.\\x1b"));
  CHECK(layer.weight.value()(1, 0) == 4);
  CHECK(layer.bias.value()(1) == 2);

  // A strict load refuses what is left over; the default is strict.
  const std::string text = error_of([&] {
    heed::io::load(layer, folder.file("all"), {.prefix = "model.", .rename = {{"fc.W", "weight"}}});
  });
  CHECK_THAT(text, Contains("\n  unexpected: bias [1]") && !Contains("missing"));

  // Names may be swapped, as each is renamed once.
  nn::Linear<float> square({.in_features = 1, .out_features = 1});
  heed::io::write_safetensors(folder.file("swapped"), {source("weight", {1}, 1), source("bias", {1, 1}, 1)});
  CHECK(heed::io::load(square, folder.file("swapped"), {.rename = {{"weight", "bias"}, {"bias", "weight"}}})
            .loaded.size() == 2);
}

TEST_CASE("a load that is not strict reports what is missing and leaves it as before") {
  const Folder folder;
  const std::vector<float> numbers{1, 2, 3};
  heed::io::write_safetensors(folder.file("bias"), {tensor_source<float>("bias", {1}, std::span(numbers).first(1))});
  nn::Linear<float> layer({.in_features = 3, .out_features = 1});
  const auto report = heed::io::load(layer, folder.file("bias"), {.strict = false});
  CHECK(to_string(report) == "loaded 1 of 2 parameters\n  missing: weight");
  CHECK(report.missing == std::vector<std::string>{"weight"});
  CHECK(layer.bias.value()(0) == 1);
  CHECK_FALSE(layer.weight.initialized());  // its first use throws

  // A wrong shape or type is an error all the same.
  const std::vector<std::int32_t> integers{1, 2, 3};
  heed::io::write_safetensors(folder.file("wrong"), {tensor_source<float>("bias", {3}, numbers),
                                                     tensor_source<std::int32_t>("weight", {1, 3}, integers)});
  const std::string text = error_of([&] { heed::io::load(layer, folder.file("wrong"), {.strict = false}); });
  CHECK_THAT(text, Contains("wrong shape: bias is [3], wanted [1]"));
  CHECK_THAT(text, Contains("wrong type: weight is I32, wanted F32"));
  CHECK(layer.bias.value()(0) == 1);
}

TEST_CASE("a prefix or a name to rename that is not there is an error, as are two tensors for one parameter") {
  const Folder folder;
  const std::vector<float> numbers{1, 2};
  heed::io::write_safetensors(folder.file("m"), {tensor_source<float>("a.weight", {1, 2}, numbers),
                                                 tensor_source<float>("a.other", {1, 2}, numbers)});
  nn::Linear<float> layer({.in_features = 2, .out_features = 1});
  const auto error = [&](heed::io::LoadOptions options) {
    options.strict = false;
    return error_of([&] { heed::io::load(layer, folder.file("m"), options); });
  };
  CHECK_THAT(error({.prefix = "b."}), Contains("prefix: no tensor begins with b."));
  CHECK_THAT(error({.prefix = "a.", .rename = {{"none", "weight"}}}), Contains("rename: there is no tensor a.none"));
  CHECK_THAT(error({.prefix = "a.", .rename = {{"other", "none"}}}), Contains("rename: there is no parameter none"));
  CHECK_THAT(error({.prefix = "a.", .rename = {{"other", "weight"}}}), Contains("twice in the file: weight, as a."));
  CHECK_FALSE(layer.weight.initialized());
  CHECK(error({.prefix = "a."}).empty());
  CHECK(layer.weight.value()(0, 1) == 2);
}

TEMPLATE_TEST_CASE("a module is loaded from float16 and bfloat16", "", float, double) {
  const Folder folder;
  const std::uint16_t weight[] = {0x3e20, 0xc000}, bias[] = {0x0001};
  heed::io::write_safetensors(folder.file("half"),
                              {{"weight", heed::io::Dtype::bf16, {1, 2}, std::as_bytes(std::span(weight))},
                               {"bias", heed::io::Dtype::f16, {1}, std::as_bytes(std::span(bias))}});
  nn::Linear<TestType> layer({.in_features = 2, .out_features = 1});
  heed::io::load(layer, folder.file("half"));
  CHECK(layer.weight.value()(0, 0) == TestType(0.15625));
  CHECK(layer.weight.value()(0, 1) == TestType(-2));
  CHECK(layer.bias.value()(0) == TestType(0x1p-24));
}

TEST_CASE("a padding row is zero again after loading, whatever the file holds") {
  const Folder folder;
  const std::vector<float> numbers(15, 9);
  heed::io::write_safetensors(folder.file("table"), {tensor_source<float>("weight", {5, 3}, numbers)});
  nn::Embedding<float> table({.num_embeddings = 5, .embedding_dim = 3, .padding_idx = 2});
  heed::io::load(table, folder.file("table"));
  for (Index i = 0; i < 5; ++i) {
    for (Index j = 0; j < 3; ++j) CHECK(table.weight.value()(i, j) == (i == 2 ? 0.0f : 9.0f));
  }
}

TEST_CASE("a failed save leaves an existing file unchanged") {
  const Folder folder;
  const std::string path = folder.file("model");
  nn::Linear<float> layer({.in_features = 2, .out_features = 1});
  nn::initialize(layer, heed::Random(1));
  heed::io::save(layer, path);
  const std::string before = temporary::read_bytes(path);
  nn::initialize(layer, heed::Random(2));
  CHECK_THROWS_AS(heed::io::save(layer, path, {{"bad", "\xff"}}), heed::IoError);
  CHECK(temporary::read_bytes(path) == before);
  CHECK(folder.entries() == 1);
}

}  // namespace HEED_TEST_UNIT
