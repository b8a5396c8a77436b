// SPDX-License-Identifier: Apache-2.0
#include "heed/io/recommender.hpp"

#include <catch2/catch.hpp>

#include "heed/nn/init.hpp"
#include "io/temporary.hpp"

namespace {

using Catch::Matchers::Contains;
using namespace heed;
using Model = recsys::AnyRecommender<float>;

/// Every option differs from its default, but for the repeat-aware head, which has a loss of its own.
const recsys::NextItemOptions odd{
    .num_items = 3,
    .embed_dim = 4,
    .max_length = 9,
    .item_deviation = 0.5,
    .max_age = 5,
    .item_bias = true,
    .loss = {.kind = recsys::NextItemLoss::Kind::gbce, .negatives = 7, .calibration = 0.25, .scale = 2}};
const recsys::AttentionEncoderOptions odd_encoder{.embed_dim = 4,
                                                  .hidden_size = 6,
                                                  .decoder = true,
                                                  .attention = recsys::AttentionKind::multi_head,
                                                  .num_heads = 3,
                                                  .dropout = 0.125};
/// As small as three items allow.
const recsys::NextItemOptions tiny{.num_items = 3, .embed_dim = 4, .max_length = 9};

data::Vocabulary catalogue() {
  data::Vocabulary out;
  for (const char* id : {"10002", "caf\u00e9", "\"quoted\""}) out.add(id);
  out.set_name(0, "INFLATABLE POLITICAL GLOBE");
  out.set_name(1, "bytes that are no UTF-8: \xff");
  return out;
}

Model make(const recsys::NextItemOptions& options, const recsys::AnyEncoderOptions& encoder) {
  Model model(options, encoder);
  nn::initialize(model, Random(1));
  return model;
}

/// Rewrites a saved file's metadata.
void change(const std::string& path, const std::string& key, const std::string& value) {
  const io::SafetensorsFile file(path);
  auto metadata = file.metadata();
  metadata[key] = value;
  if (value.empty()) metadata.erase(key);
  std::vector<io::TensorSource> tensors;
  for (const auto& tensor : file.tensors()) {
    tensors.push_back({tensor.name, tensor.dtype, tensor.shape, file.bytes(tensor.name)});
  }
  io::write_safetensors(path, tensors, metadata);
}

}  // namespace

TEST_CASE("a recommender comes back with its options, its catalogue and its weights", "[io][recommender]") {
  const temporary::Folder folder;
  const std::string path = folder.file("model.safetensors");
  Model model = make(odd, {odd_encoder});
  io::save_recommender(
      model, catalogue(),
      {.next_basket = false, .validation_time = -5, .test_time = 5'000'000'000, .max_length = 77, .k = 5}, path);
  const auto saved = io::load_recommender<float>(path);

  CHECK(io::to_json(saved.model.options()) == io::to_json(odd));
  CHECK(io::to_json(saved.model.encoder_options()) == io::to_json(recsys::AnyEncoderOptions{odd_encoder}));
  CHECK(saved.model.options().loss.kind == recsys::NextItemLoss::Kind::gbce);
  CHECK(std::get<recsys::AttentionEncoderOptions>(saved.model.encoder_options().encoder).num_heads == 3);
  CHECK_FALSE(saved.task.next_basket);
  CHECK(saved.task.validation_time == -5);
  CHECK(saved.task.test_time == 5'000'000'000);
  CHECK(saved.task.max_length == 77);
  CHECK(saved.task.k == 5);

  const data::Vocabulary ids = catalogue();
  REQUIRE(saved.item_ids.size() == 3);
  for (std::int32_t i = 0; i < 3; ++i) CHECK(saved.item_ids.id(i) == ids.id(i));
  CHECK(saved.item_ids.name(0) == "INFLATABLE POLITICAL GLOBE");
  CHECK(saved.item_ids.name(1) == "bytes that are no UTF-8: \uFFFD");
  CHECK(saved.item_ids.name(2) == "\"quoted\"");

  auto loaded = make(odd, {odd_encoder});
  io::load(loaded, path);
  CHECK((loaded.input.items.weight.value().array() == model.input.items.weight.value().array()).all());
  CHECK((saved.model.input.items.weight.value().array() == model.input.items.weight.value().array()).all());
}

TEST_CASE("a recommender of any encoder comes back", "[io][recommender]") {
  const temporary::Folder folder;
  for (const auto& [name, encoder] : recsys::AnyEncoderOptions::choices()) {
    INFO(name);
    Model model = make(tiny, encoder);
    io::save_recommender(model, catalogue(), {}, folder.file(name));
    auto saved = io::load_recommender<float>(folder.file(name));
    CHECK(saved.model.encoder_options().encoder.index() == encoder.encoder.index());
    const auto written = nn::parameters(model), read = nn::parameters(saved.model);
    REQUIRE(written.size() == read.size());
    for (std::size_t i = 0; i < written.size(); ++i) {
      CHECK(written[i].name == read[i].name);
      CHECK((written[i].parameter->value().array() == read[i].parameter->value().array()).all());
    }
  }
}

TEST_CASE("item features come back", "[io][recommender]") {
  const temporary::Folder folder;
  auto options = tiny;
  options.num_features = 4;
  Model model = make(options, {});
  model.input.set_item_features({2, -1, 3});
  io::save_recommender(model, catalogue(), {}, folder.file("m"));
  const auto saved = io::load_recommender<float>(folder.file("m"));
  CHECK(saved.model.input.item_features()[0] == 2);
  CHECK(saved.model.input.item_features()[1] == -1);
  CHECK(saved.model.input.item_features()[2] == 3);
  CHECK(saved.fields.features.size() == 0);  // nobody named them
}

TEST_CASE("the names of kinds and features come back in the model's numbers", "[io][recommender]") {
  const temporary::Folder folder;
  auto options = tiny;
  options.num_kinds = 2;
  options.num_features = 3;
  Model model = make(options, {});
  model.input.set_item_features({2, -1, 1});
  io::FieldNames fields;
  for (const char* kind : {"viewed", "bought"}) fields.kinds.add(kind);
  for (const char* feature : {"drinks", "caf\u00e9", "sweets"}) fields.features.add(feature);
  io::save_recommender(model, catalogue(), {}, folder.file("m"), fields);
  const auto saved = io::load_recommender<float>(folder.file("m"));
  REQUIRE(saved.fields.kinds.size() == 2);
  CHECK(saved.fields.kinds.find("bought") == 1);
  REQUIRE(saved.fields.features.size() == 3);
  CHECK(saved.fields.features.id(1) == "caf\u00e9");
  const auto refused = [&](const std::string& key, const std::string& value) {
    io::save_recommender(model, catalogue(), {}, folder.file("m"), fields);
    change(folder.file("m"), key, value);
    CHECK_THROWS_WITH(io::load_recommender<float>(folder.file("m")), Contains(folder.file("m")) && Contains(key));
  };
  refused("kinds", R"(["viewed"])");
  refused("features", R"(["drinks","drinks","sweets"])");
  refused("item_features", "[0]");
  refused("item_features", "[0,3,1]");
  // Without names, as files were once written, it serves by number.
  io::save_recommender(model, catalogue(), {}, folder.file("m"), fields);
  for (const char* key : {"kinds", "features"}) change(folder.file("m"), key, "");
  CHECK(io::load_recommender<float>(folder.file("m")).fields.kinds.size() == 0);

  fields.kinds.add("returned");
  CHECK_THROWS_WITH(io::save_recommender(model, catalogue(), {}, folder.file("m"), fields),
                    Contains("3 names for 2 kinds of event"));
  fields.kinds = {};
  fields.features = {};
  for (const char* feature : {"drinks", "\xff", "sweets"}) fields.features.add(feature);
  CHECK_THROWS_WITH(io::save_recommender(model, catalogue(), {}, folder.file("n"), fields),
                    Contains("id of feature 1 is not UTF-8"));
  CHECK(folder.entries() == 1);
}

TEST_CASE("a file of before an option was there is read with its default", "[io][recommender]") {
  const temporary::Folder folder;
  Model model = make(tiny, {});
  io::save_recommender(model, catalogue(), {.next_basket = false, .test_time = 75}, folder.file("m"));
  change(folder.file("m"), "options",
         R"({"recommender": {"num_items": 3, "embed_dim": 4, "max_length": 9}, "encoder": {"model": "attention"},
             "task": {"next_basket": false, "test_time": 75}})");
  const auto saved = io::load_recommender<float>(folder.file("m"));
  CHECK_FALSE(saved.task.next_basket);
  CHECK(saved.task.test_time == 75);
  CHECK(saved.task.max_length == recsys::TaskOptions().max_length);
  CHECK(io::to_json(saved.model.options()) == io::to_json(tiny));
}

TEST_CASE("a file as heed 0.1.0 wrote it is read", "[io][recommender]") {
  const temporary::Folder folder;
  Model model = make(odd, {odd_encoder});
  io::save_recommender(model, catalogue(), {}, folder.file("m"));
  const std::string written =
      R"({"encoder":{"attention":"multi_head","decoder":true,"dropout":0.125,"hidden_size":6,"model":"attention",)"
      R"("num_heads":3},"recommender":{"combination":"add","embed_dim":4,"item_bias":true,"item_deviation":0.5,)"
      R"("loss":{"calibration":0.25,"cosine":false,"exclude_history":false,"in_batch":false,"kind":"gbce",)"
      R"("negatives":7,"popularity":0.0,"scale":2.0},"max_age":5,"max_length":9,"num_features":0,"num_items":3,)"
      R"("num_kinds":0,"pointer":false},"task":{"k":10,"learners":1.0,"max_length":300,"next_basket":true,)"
      R"("test_time":0,"validation_time":0}})";
  CHECK(io::SafetensorsFile(folder.file("m")).metadata().at("options") == written);  // nor has the form changed
  change(folder.file("m"), "options", written);
  CHECK(io::to_json(io::load_recommender<float>(folder.file("m")).model.options()) == io::to_json(odd));
}

TEST_CASE("what does not fit is not written", "[io][recommender]") {
  const temporary::Folder folder;
  Model model = make({.num_items = 4, .embed_dim = 4}, {});
  CHECK_THROWS_WITH(io::save_recommender(model, catalogue(), {}, folder.file("m")),
                    Contains("3 ids for a model of 4 items"));
  data::Vocabulary ids = catalogue();
  ids.add("\xff");
  CHECK_THROWS_WITH(io::save_recommender(model, ids, {}, folder.file("m")), Contains("id of item 3 is not UTF-8"));
  CHECK(folder.entries() == 0);
}

TEST_CASE("a damaged or foreign file is an error that names it", "[io][recommender]") {
  const temporary::Folder folder;
  const std::string path = folder.file("model.safetensors");
  const auto broken = [&](const std::string& key, const std::string& value) {
    Model model = make({.num_items = 3, .embed_dim = 4, .max_age = 2}, {});
    io::save_recommender(model, catalogue(), {}, path);
    change(path, key, value);
    try {
      io::load_recommender<float>(path);
    } catch (const IoError& error) {
      CHECK_THAT(error.what(), Contains(path));
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const std::string options = [&] {
    Model model = make({.num_items = 3, .embed_dim = 4, .max_age = 2}, {});
    io::save_recommender(model, catalogue(), {}, path);
    return io::SafetensorsFile(path).metadata().at("options");
  }();
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = options;
    REQUIRE(changed.find(from) != std::string::npos);
    return broken("options", changed.replace(changed.find(from), from.size(), to));
  };
  CHECK_THAT(broken("format", "something else"), Contains("'format' is not heed.recommender.2"));
  CHECK_THAT(broken("format", ""), Contains("'format'"));
  CHECK_THAT(broken("options", ""), Contains("lacks options"));
  CHECK_THAT(broken("options", "{"), Contains("parse error"));
  CHECK_THAT(broken("items", "[\"a\"]"), Contains("1 ids for 3 items"));
  CHECK_THAT(broken("items", "[\"a\",\"a\",\"b\"]"), Contains("2 ids for 3 items"));
  CHECK_THAT(broken("names", "[1,2,3]"), Contains("metadata"));
  CHECK_THAT(broken("names", "[]"), Contains("metadata"));
  CHECK_THAT(with("\"additive\"", "\"subtractive\""), Contains("attention is \"subtractive\", wanted none|"));
  CHECK_THAT(with("\"decoder\"", "\"encoder\""), Contains("there is no option encoder, wanted one of model"));
  CHECK_THAT(with("\"model\"", "\"mode\""), Contains("key 'model' not found"));
  CHECK_THAT(with("\"max_age\":2", "\"max_age\":2.5"), Contains("max_age is 2.5, wanted integer"));
  CHECK_THAT(with("\"embed_dim\":4", "\"embed_dim\":1000000000000"), Contains("options say embed_dim 1000000000000"));
  CHECK_THAT(with("\"hidden_size\":64", "\"hidden_size\":1000000000000"), Contains("hidden_size"));
  CHECK_THAT(with("\"max_age\":", "\"max_age\":1"), Contains("ages.weight"));
}
