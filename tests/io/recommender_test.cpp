// SPDX-License-Identifier: Apache-2.0
#include "heed/io/recommender.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "heed/nn/init.hpp"
#include "io/temporary.hpp"
#include "support/allocations.hpp"
#include "support/error_of.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using namespace heed;
using Model = recsys::AnyRecommender<float>;

/// Every option differs from its default, except the repeat-aware head, which has a different loss.
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
/// A minimal model of three items.
const recsys::NextItemOptions tiny{.num_items = 3, .embed_dim = 4, .max_length = 9};

data::Catalogue catalogue() {
  data::Catalogue out;
  for (const char* text : {"10002", "caf\u00e9", "\"quoted\""}) out.items.add(text);
  out.items.set_name(0, "INFLATABLE POLITICAL GLOBE");
  out.items.set_name(1, "bytes that are no UTF-8: \xff");
  return out;
}

Model make(const recsys::NextItemOptions& options, const recsys::AnyEncoderOptions& encoder,
           const data::Catalogue& catalogue = {}) {
  Model model(options, encoder, catalogue);
  nn::initialize(model, Random(1));
  return model;
}

/// Changes the metadata of a saved file.
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

TEST_CASE("a recommender is loaded with its options, its catalogue and its weights", "[io][recommender]") {
  const temporary::Folder folder;
  const std::string path = folder.file("model.safetensors");
  Model model = make(odd, {odd_encoder});
  const data::TimeCuts cuts{.validation_time = -5, .test_time = 5'000'000'000, .unit = {3}};
  io::save_recommender(model, catalogue(), {.next_basket = false, .cuts = cuts, .max_length = 77, .k = 5}, path,
                       data::TimeUnit{6});
  const auto saved = io::load_recommender<float>(path);

  CHECK(io::to_json(saved.model.options()) == io::to_json(odd));
  CHECK(io::to_json(saved.model.encoder_options()) == io::to_json(recsys::AnyEncoderOptions{odd_encoder}));
  CHECK(saved.model.options().loss.kind == recsys::NextItemLoss::Kind::gbce);
  CHECK(std::get<recsys::AttentionEncoderOptions>(saved.model.encoder_options().encoder).num_heads == 3);
  CHECK_FALSE(saved.task.next_basket);
  CHECK(saved.task.cuts == cuts);
  CHECK(saved.time_unit == data::TimeUnit{6});
  CHECK(saved.task.max_length == 77);
  CHECK(saved.task.k == 5);

  const data::Vocabulary ids = catalogue().items;
  REQUIRE(saved.catalogue.items.size() == 3);
  for (std::int32_t i = 0; i < 3; ++i) CHECK(saved.catalogue.items.text(i) == ids.text(i));
  CHECK(saved.catalogue.items.name(0) == "INFLATABLE POLITICAL GLOBE");
  CHECK(saved.catalogue.items.name(1) == "bytes that are no UTF-8: \uFFFD");
  CHECK(saved.catalogue.items.name(2) == "\"quoted\"");

  auto loaded = make(odd, {odd_encoder});
  io::load(loaded, path);
  CHECK((loaded.input.items.weight.value().array() == model.input.items.weight.value().array()).all());
  CHECK((saved.model.input.items.weight.value().array() == model.input.items.weight.value().array()).all());
}

TEST_CASE("a recommender with any encoder is loaded", "[io][recommender]") {
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

TEST_CASE("a recommender whose weights were rounded to bfloat16 is loaded", "[io][recommender]") {
  const temporary::Folder folder;
  const Model model = make(tiny, {});
  io::save_recommender(model, catalogue(), {}, folder.file("m"));
  const io::SafetensorsFile file(folder.file("m"));
  std::map<std::string, std::vector<Bfloat16>> rounded;
  std::vector<io::TensorSource> tensors;
  for (const auto& tensor : file.tensors()) {
    auto& values = rounded[tensor.name];
    for (const float value : file.values<float>(tensor.name)) values.emplace_back(value);
    tensors.push_back({tensor.name, io::Dtype::bf16, tensor.shape, std::as_bytes(std::span(values))});
  }
  io::write_safetensors(folder.file("half"), tensors, file.metadata());
  const auto saved = io::load_recommender<float>(folder.file("half"));
  const Tensor<float>& items = saved.model.input.items.weight.value();
  const auto& wanted = rounded.at("items.weight");
  REQUIRE(items.size() == std::ssize(wanted));
  for (Index i = 0; i < items.size(); ++i) {
    CHECK(items.data()[i] == static_cast<float>(wanted[static_cast<std::size_t>(i)]));
  }
}

TEST_CASE("a catalogue is loaded with all its parts", "[io][recommender]") {
  const temporary::Folder folder;
  auto options = tiny;
  options.num_kinds = 2;
  options.num_features = 3;
  options.loss = {.kind = recsys::NextItemLoss::Kind::sampled_softmax, .popularity = 0.5};
  data::Catalogue all = catalogue();
  for (const char* kind : {"viewed", "bought"}) all.kinds.add(kind);
  for (const char* feature : {"drinks", "caf\u00e9", "sweets"}) all.features.names.add(feature);
  all.features.values = {2, -1, 1};
  all.counts = {4, 0, 7};
  const Model model = make(options, {}, all);
  io::save_recommender(model, all, {}, folder.file("m"));
  const auto saved = io::load_recommender<float>(folder.file("m"));
  CHECK(saved.catalogue.items.find("caf\u00e9") == 1);
  CHECK(saved.catalogue.kinds.find("bought") == 1);
  REQUIRE(saved.catalogue.features.names.size() == 3);
  CHECK(saved.catalogue.features.names.text(1) == "caf\u00e9");
  CHECK(saved.catalogue.features.values == all.features.values);
  CHECK(std::ranges::equal(saved.model.input.item_features(), all.features.values));
  CHECK(saved.catalogue.counts == all.counts);
  REQUIRE(saved.model.sampler);
  CHECK(std::ranges::equal(saved.model.sampler->log_probabilities(), model.sampler->log_probabilities()));

  const auto refused = [&](const std::string& key, const std::string& value) {
    io::save_recommender(model, all, {}, folder.file("m"));
    change(folder.file("m"), key, value);
    CHECK_THROWS_WITH(io::load_recommender<float>(folder.file("m")), Contains(folder.file("m")) && Contains(key));
  };
  refused("kinds", R"(["viewed"])");
  refused("features", R"(["drinks","drinks","sweets"])");
  refused("item_features", "[0]");
  refused("item_features", "[]");
  refused("item_features", "[0,3,1]");
  refused("counts", "[1,2]");
  refused("counts", "[1,-2,3]");
  // A file without names and counts, as written by older versions, serves ids only.
  io::save_recommender(model, all, {}, folder.file("m"));
  for (const char* key : {"kinds", "features", "counts"}) change(folder.file("m"), key, "");
  const auto old = io::load_recommender<float>(folder.file("m"));
  CHECK(old.catalogue.kinds.size() == 0);
  CHECK(old.catalogue.counts.empty());
  CHECK(std::ranges::equal(old.model.input.item_features(), all.features.values));
}

TEST_CASE("a catalogue that does not fit the model is not written", "[io][recommender]") {
  const temporary::Folder folder;
  auto options = tiny;
  options.num_kinds = 2;
  options.num_features = 3;
  data::Catalogue all = catalogue();
  all.features.values = {2, -1, 1};
  const Model model = make(options, {}, all);
  const auto refused = [&](auto change, const std::string& what) {
    data::Catalogue changed = all;
    change(changed);
    CHECK_THROWS_WITH(io::save_recommender(model, changed, {}, folder.file("m")), Contains(what));
  };
  refused([](auto& one) { one.kinds.add("viewed"); }, "1 names of 2 kinds");
  refused([](auto& one) { one.features.values = {2, -1, 0}; }, "not the one that the model was constructed with");
  refused([](auto& one) { one.features.values = {}; }, "item_features are not values below 3 of 3 items");
  refused([](auto& one) { one.counts = {1}; }, "counts of 1 items for 3");
  refused([](auto& one) { one.items.add("another"); }, "4 ids for 3 items");
  refused(
      [](auto& one) {
        for (const char* text : {"drinks", "\xff", "sweets"}) one.features.names.add(text);
      },
      "text of feature 1 is not UTF-8");
  CHECK(folder.entries() == 0);
}

TEST_CASE("a catalogue may have kinds and features that the model does not use", "[io][recommender]") {
  const temporary::Folder folder;
  data::Catalogue all = catalogue();
  all.kinds.add("bought");
  all.features.names.add("drinks");
  all.features.values = {0, -1, 0};
  io::save_recommender(make(tiny, {}, all), all, {}, folder.file("m"));
  const auto saved = io::load_recommender<float>(folder.file("m"));
  CHECK(saved.catalogue.kinds.size() == 1);
  CHECK(saved.catalogue.features.values == all.features.values);
  CHECK(saved.model.input.item_features().empty());
}

TEST_CASE("an option that a file lacks has its default", "[io][recommender]") {
  const temporary::Folder folder;
  Model model = make(tiny, {});
  io::save_recommender(model, catalogue(), {}, folder.file("m"), {}, {{"options", "of the note"}});
  CHECK(io::SafetensorsFile(folder.file("m")).metadata().at("note.options") == "of the note");
  change(folder.file("m"), "options",
         R"({"recommender": {"num_items": 3, "embed_dim": 4, "max_length": 9}, "encoder": {"model": "attention"},
             "task": {"next_basket": false, "cuts": {"test_time": 75}}})");
  const auto saved = io::load_recommender<float>(folder.file("m"));
  CHECK_FALSE(saved.task.next_basket);
  CHECK(saved.task.cuts == data::TimeCuts{.test_time = 75});
  CHECK(saved.time_unit == std::nullopt);
  CHECK(saved.task.max_length == recsys::TaskOptions().max_length);
  CHECK(io::to_json(saved.model.options()) == io::to_json(tiny));
}

TEST_CASE("a file with the options of heed 0.1.0 is read", "[io][recommender]") {
  const temporary::Folder folder;
  Model model = make(odd, {odd_encoder});
  io::save_recommender(model, catalogue(), {}, folder.file("m"));
  std::string written =
      R"({"encoder":{"attention":"multi_head","decoder":true,"dropout":0.125,"hidden_size":6,"model":"attention",)"
      R"("num_heads":3},"recommender":{"combination":"add","embed_dim":4,"item_bias":true,"item_deviation":0.5,)"
      R"("loss":{"calibration":0.25,"cosine":false,"exclude_history":false,"in_batch":false,"kind":"gbce",)"
      R"("negatives":7,"popularity":0.0,"scale":2.0},"max_age":5,"max_length":9,"num_features":0,"num_items":3,)"
      R"("num_kinds":0,"pointer":false},"task":{"k":10,"learners":1.0,"max_length":300,"next_basket":true,)"
      R"("test_time":0,"validation_time":0}})";
  const auto with_cuts = [&](const std::string& cuts) {
    change(folder.file("m"), "format", "heed.recommender.2");
    change(folder.file("m"), "options", written.substr(0, written.find("\"test_time")) + cuts + "}}");
    const auto saved = io::load_recommender<float>(folder.file("m"));
    CHECK(io::to_json(saved.model.options()) == io::to_json(odd));
    CHECK(saved.task.cuts.has_value() == saved.time_unit.has_value());
    return saved.task.cuts;
  };
  CHECK_FALSE(with_cuts(R"("test_time":0,"validation_time":0)"));
  CHECK_FALSE(with_cuts(R"("test_time":0)"));
  // The times had the unit of the log, which the range tells.
  CHECK(with_cuts(R"("test_time":75,"validation_time":0)") == data::TimeCuts{.test_time = 75});
  CHECK(with_cuts(R"("test_time":1396867869277,"validation_time":-1)") ==
        data::TimeCuts{.validation_time = -1, .test_time = 1'396'867'869'277, .unit = {3}});
  CHECK_THROWS_WITH(with_cuts(R"("test_time":"late")"), Contains("test_time is \"late\", wanted integer"));
  // The format of today differs in the times, and has more options.
  io::save_recommender(model, catalogue(), {}, folder.file("m"));
  written.replace(written.find("\"task\":{"), 8, R"("task":{"cuts":null,"day_baskets":false,)");
  written.replace(written.find(R"(,"learners")"), 0, R"(,"keep_history":false)");
  written.replace(written.find(R"(,"test_time")"), std::string::npos, R"(},"time_unit":null})");
  CHECK(io::SafetensorsFile(folder.file("m")).metadata().at("options") == written);
}

TEST_CASE("a model of a task is saved with the task's options, catalogue and unit of time", "[io][recommender]") {
  const temporary::Folder folder;
  data::InteractionsBuilder builder({.times = true}, data::TimeUnit{3});
  for (const char* text : {"10002", "caf\u00e9", "\"quoted\""}) builder.add("u", text, 7);
  const data::Interactions log = std::move(builder).build();
  const recsys::Task task(log, {.max_length = 5});
  io::save_recommender(make(tiny, {}), task, folder.file("m"));
  const auto saved = io::load_recommender<float>(folder.file("m"));
  CHECK(saved.task.max_length == 5);
  CHECK(saved.catalogue.items.find("caf\u00e9") == 1);
  CHECK(saved.catalogue.counts == task.catalogue().counts);
  CHECK(saved.time_unit == data::TimeUnit{3});

  data::Interactions untimed = log;
  untimed.times.clear();
  io::save_recommender(make(tiny, {}), recsys::Task(untimed), folder.file("m"));
  CHECK(io::load_recommender<float>(folder.file("m")).time_unit == std::nullopt);
}

TEST_CASE("a damaged or foreign file is an error that names it", "[io][recommender]") {
  const temporary::Folder folder;
  const std::string path = folder.file("model.safetensors");
  const auto broken = [&](const std::string& key, const std::string& value) {
    Model model = make({.num_items = 3, .embed_dim = 4, .max_age = 2}, {});
    io::save_recommender(model, catalogue(), {}, path);
    change(path, key, value);
    const std::string error = test::error_of<IoError>([&] { io::load_recommender<float>(path); });
    CHECK_THAT(error, Contains(path));
    return error;
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
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"format", "something else", "'format' is 'something else', wanted heed.recommender.3"},
      {"format", "", "'format'"},
      {"options", "", "lacks options"},
      {"options", "{", "metadata 'options' is not JSON"},
      {"counts", "[1,2,1e300]", "counts[2]: wanted an integer"},
      {"counts", "[1,2,9223372036854775808]", "counts[2]: wanted an integer"},
      {"item_features", "[0,1,2.5]", "item_features[2]: wanted an integer"},
      {"item_features", "[0,1,2147483648]", "item_features[2]: wanted an integer"},
      {"items", "[\"a\"]", "1 ids for 3 items"},
      {"items", "[\"a\",\"a\",\"b\"]", "2 ids for 3 items"},
      {"names", "[1,2,3]", "names[0]: wanted a text"},
      {"names", "[]", "0 names of 3 items"}};
  for (const auto& [key, value, error] : cases) CHECK_THAT(broken(key, value), Contains(error));
  const std::string deep(30'000, '[');
  CHECK_THAT(broken("options", deep + std::string(30'000, ']')), Contains("metadata 'options' nests more than"));
  for (const char* key : {"items", "names", "kinds", "features", "item_features", "counts"}) {
    CHECK_THAT(broken(key, deep + std::string(30'000, ']')), Contains(message(key, "[0]: wanted ")));
    CHECK_THAT(broken(key, "7"), Contains(message(key, "[0]: wanted [ at byte 0, got '7'")));
  }
  CHECK_THAT(with("\"additive\"", "\"subtractive\""), Contains("attention is \"subtractive\", wanted none|"));
  CHECK_THAT(with("\"decoder\"", "\"encoder\""), Contains("there is no option encoder, wanted one of model"));
  CHECK_THAT(with("\"model\"", "\"mode\""), Contains("key 'model' not found"));
  CHECK_THAT(with("\"time_unit\":null", "\"time_unit\":{\"decimals\":19}"), Contains("wanted 0 to 18"));
  CHECK_THAT(with("\"cuts\":null", "\"cuts\":{\"unit\":{\"decimals\":-1}}"), Contains("-1 decimals, wanted 0 to 18"));
  CHECK_THAT(with("\"cuts\":null", "\"test_time\":5"), Contains("there is no option test_time"));
  CHECK_THAT(with("\"max_age\":2", "\"max_age\":2.5"), Contains("max_age is 2.5, wanted integer"));
  CHECK_THAT(with("\"embed_dim\":4", "\"embed_dim\":1000000000000"), Contains("options say embed_dim 1000000000000"));
  CHECK_THAT(with("\"hidden_size\":64", "\"hidden_size\":1000000000000"), Contains("hidden_size"));
  CHECK_THAT(with("\"max_age\":", "\"max_age\":1"), Contains("ages.weight"));
}

TEST_CASE("a file with a weight that is not finite is an error that names the tensor", "[io][recommender]") {
  const temporary::Folder folder;
  for (const char* value : {"nan", "inf"}) {
    Model model = make(tiny, {});
    model.input.items.weight.value()(1, 2) = std::stof(value);
    io::save_recommender(model, catalogue(), {}, folder.file("m"));
    CHECK_THROWS_WITH(io::load_recommender<float>(folder.file("m")),
                      Contains(folder.file("m") + ": items.weight [3, 4] is " + value + " in row 1, column 2"));
  }
}

/// Returns the error of loading `path`, or "", after a check of the memory that it takes.
std::string error_of_loading(const std::string& path) {
  test::restart_peak();
  const std::size_t before = test::held_bytes();
  const std::string error = test::error_of<IoError>([&] { io::load_recommender<float>(path); });
  const std::size_t size = temporary::read_bytes(path).size();
  INFO((test::peak_bytes() - before) << " bytes for a file of " << size);
  CHECK(test::peak_bytes() - before < 4 * size + 16'000'000);
  return error;
}

TEST_CASE("loading a small file whose options are large takes little memory and is an error", "[io][recommender]") {
  const temporary::Folder folder;
  const std::string path = folder.file("m");
  const auto refused = [&](const std::string& encoder, const std::string& recommender, const std::string& what) {
    io::save_recommender(make(tiny, recsys::AnyEncoderOptions::choices().at("sasrec")), catalogue(), {}, path);
    change(path, "options",
           R"({"encoder": {"model": "sasrec")" + encoder + R"(}, "recommender": {"num_items": 3)" + recommender +
               R"(}, "task": {}})");
    CHECK_THAT(error_of_loading(path), Contains(path) && Contains(what));
  };
  refused("", R"(, "embed_dim": 4, "max_length": 60000000)", "wrong shape: encoder.positions");
  refused(R"(, "feedforward_dim": 1000)", R"(, "embed_dim": 1000, "max_length": 9)", "wrong shape: ");
  refused("", R"(, "embed_dim": 4, "max_length": 4611686018427387904)", "options say max_length");
  refused(R"(, "num_blocks": 5000)", R"(, "embed_dim": 4, "max_length": 9)", "options say num_blocks 5000");
  refused(R"(, "num_blocks": 900)", R"(, "embed_dim": 4, "max_length": 9)", "missing: encoder.blocks.10.");
  refused("", R"(, "embed_dim": 3, "max_length": 9)", "wrong shape: ");
}

TEST_CASE("loading a file with long lists takes memory in proportion to the file", "[io][recommender]") {
  const temporary::Folder folder;
  const std::string path = folder.file("m");
  const auto refused = [&](const std::string& key, const std::string& value, const std::string& what) {
    io::save_recommender(make(tiny, {}), catalogue(), {}, path);
    change(path, key, value);
    CHECK_THAT(error_of_loading(path), Contains(path) && Contains(what));
  };
  const auto list = [](const std::string& element, int number) {
    std::string out = "[" + element;
    for (int i = 1; i < number; ++i) out += "," + element;
    return out + "]";
  };
  const auto numbered = [](int number) {
    std::string out = "[\"\"";
    for (int i = 1; i < number; ++i) out += ",\"" + std::to_string(i) + "\"";
    return out + "]";
  };
  refused("options", list("{}", 300'000), "metadata 'options' is above 65536 bytes");
  refused("counts", list("0", 3'000'000), "counts[3]: wanted at most 3");
  refused("item_features", list("0", 1'000'000), "item_features[3]: wanted at most 3");
  refused("items", numbered(200'000), "items[3]: wanted at most 3");
  refused("names", numbered(200'000), "names[3]: wanted at most 3");
  refused("kinds", numbered(200'000), "kinds[65536]: wanted at most 65536");
  refused("features", numbered(200'000), "features[65536]: wanted at most 65536");
  refused("items", std::string(3'000'000, '\n') + "x", "items[0]: wanted [ at byte 3000000, got 'x'");
  refused("items", "[\"" + std::string((1 << 24) + 1, 'a') + "\"]", "1 ids for 3 items");

  io::save_recommender(make(tiny, {}), catalogue(), {}, path);
  const std::byte bytes[1000] = {};
  std::vector<io::TensorSource> tensors{{"bytes", io::Dtype::u8, {1000}, bytes}};
  for (int i = 0; i < 60'000; ++i) tensors.push_back({std::to_string(i), io::Dtype::u8, {0, 0, 0, 0, 0, 0}, {}});
  io::write_safetensors(path, tensors, io::SafetensorsFile(path).metadata());
  CHECK_THAT(error_of_loading(path),
             Contains("missing: items.weight [3, 4]") && Contains("\n  unexpected: ") && Contains(" more"));
}

TEST_CASE("loading many items with short texts and small vectors takes at most 4 times the file and 16 MB",
          "[io][recommender]") {
  const temporary::Folder folder;
  const Index n = (1 << 20) + 1;
  data::Catalogue all;
  for (Index i = 0; i < n; ++i) {
    std::string text;
    for (Index rest = i; rest > 0; rest /= 90) text += static_cast<char>('#' + rest % 90 + (rest % 90 >= '\\' - '#'));
    all.items.add(text);
    all.items.set_name(static_cast<data::Id>(i), "!");
    all.features.values.push_back(0);
    all.counts.push_back(1);
  }
  auto options = tiny;
  options.num_items = n;
  options.embed_dim = 1;
  options.num_features = 1;
  options.loss = {.kind = recsys::NextItemLoss::Kind::sampled_softmax, .popularity = 0.5};
  io::save_recommender(make(options, {}, all), all, {}, folder.file("m"));
  CHECK(error_of_loading(folder.file("m")) == "");
}

TEST_CASE("a file of a newer or an unknown format is an error that says so", "[io][recommender]") {
  const temporary::Folder folder;
  io::save_recommender(make(tiny, {}), catalogue(), {}, folder.file("m"));
  change(folder.file("m"), "format", "heed.recommender.4");
  CHECK_THROWS_WITH(io::load_recommender<float>(folder.file("m")),
                    Contains("of a newer version of heed: heed.recommender.4, this one reads heed.recommender.3"));
  change(folder.file("m"), "format", "heed.recommender.4\x1b");
  CHECK_THROWS_WITH(io::load_recommender<float>(folder.file("m")), Contains(R"('heed.recommender.4\x1b', wanted)"));
}

TEST_CASE("golden files of every released format are read", "[io][recommender]") {
  // Written at e53aad7, the last commit before files had a checksum.
  const auto saved = io::load_recommender<float>(HEED_SOURCE_DIR "/tests/io/golden/recommender_2.safetensors");
  CHECK(saved.checksum == io::Checksum::none);
  CHECK(io::to_json(saved.model.options()) == io::to_json(odd));
  CHECK(saved.catalogue.items.text(1) == "caf\u00e9");
  CHECK(saved.catalogue.items.name(0) == "INFLATABLE POLITICAL GLOBE");
  CHECK(saved.task.cuts == data::TimeCuts{.validation_time = -5, .test_time = 5'000'000'000});
  CHECK(saved.time_unit == data::TimeUnit{0});
  const auto with = io::load_recommender<float>(HEED_SOURCE_DIR "/tests/io/golden/recommender_2_checksum.safetensors");
  CHECK(with.checksum == io::Checksum::present);
  CHECK((with.model.input.items.weight.value().array() == saved.model.input.items.weight.value().array()).all());
  const auto third = io::load_recommender<float>(HEED_SOURCE_DIR "/tests/io/golden/recommender_3.safetensors");
  CHECK(third.task.cuts ==
        data::TimeCuts{.validation_time = -5, .test_time = 1'396'867'869'277, .unit = data::TimeUnit{3}});
  CHECK(third.time_unit == data::TimeUnit{6});
  CHECK(third.checksum == io::Checksum::present);
  CHECK((third.model.input.items.weight.value().array() == saved.model.input.items.weight.value().array()).all());
}

}  // namespace HEED_TEST_UNIT
