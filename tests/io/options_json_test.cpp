// SPDX-License-Identifier: Apache-2.0
#include "heed/io/options_json.hpp"

#include <catch2/catch.hpp>
#include <limits>
#include <string>

#include "support/all_options.hpp"
#include "support/error_of.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using namespace heed;
using nlohmann::json;

/// Changes the value of every data field.
template <class T>
void alter(T& value) {
  if constexpr (OptionalOption<T>) {
    value.emplace();
    alter(*value);
  } else if constexpr (OptionStruct<T>) {
    for_each_field(value, [](const char*, auto& field) { alter(field); });
  } else if constexpr (NamedEnum<T>) {
    value = static_cast<T>((static_cast<std::size_t>(value) + 1) % names(value).size());
  } else if constexpr (std::is_same_v<T, bool>) {
    value = !value;
  } else if constexpr (std::is_same_v<T, char>) {
    value = value == ';' ? '|' : ';';
  } else if constexpr (std::is_floating_point_v<T>) {
    value += T(1) / 3;
  } else if constexpr (std::is_integral_v<T>) {
    value += 7;
  } else if constexpr (std::is_same_v<T, std::string>) {
    value += "\"caf\u00e9\" = 1.5";
  } else if constexpr (OptionValue<T>) {
    value.emplace_back();
    alter(value.back());
  }
}

template <class T>
std::string error_of(const std::string& text) {
  T options;
  const std::string error = test::error_of<OptionError>([&] { io::set(options, text); });
  CHECK((error == "" || io::to_json(options) == io::to_json(T())));
  return error;
}

TEST_CASE("all options survive a round trip through JSON", "[io][options]") {
  all_options::for_each([](auto defaults) {
    using T = decltype(defaults);
    INFO(all_options::type_name<T>());
    T changed = defaults, read;
    alter(changed);
    const json written = io::to_json(changed);
    for_each_field(defaults, [&](const char* name, const auto& field) {
      INFO(name);
      constexpr bool data = OptionValue<std::remove_cvref_t<decltype(field)>>;
      REQUIRE(written.contains(name) == data);
      if (data) CHECK(written.at(name) != io::to_json(defaults).at(name));
    });
    io::from_json(json::parse(written.dump()), read);
    CHECK(io::to_json(read) == written);
    io::from_json(json::object(), read);  // absent options keep their values
    CHECK(io::to_json(read) == written);
  });
}

TEST_CASE("every option can be set by name", "[io][options]") {
  all_options::for_each([](auto defaults) {
    using T = decltype(defaults);
    INFO(all_options::type_name<T>());
    T changed = defaults;
    alter(changed);
    const json from = io::to_json(defaults), to = io::to_json(changed), flat = to.flatten();
    for (const auto& [text, leaf] : flat.items()) {
      json::json_pointer pointer(text);
      if (to.at(pointer.parent_pointer()).is_array()) pointer.pop_back();  // lists are set as a whole
      while (!from.contains(pointer)) pointer.pop_back();                  // and so are options that are null
      if (from.at(pointer) == to.at(pointer)) continue;                    // the name of a choice
      std::string name = pointer.to_string().substr(1);
      std::ranges::replace(name, '/', '.');
      T set = defaults;
      io::set(set, name + "=" + to.at(pointer).dump());
      json wanted = from;
      wanted[pointer] = to.at(pointer);
      CHECK(io::to_json(set) == wanted);
    }
  });
  recsys::DINOptions din;
  int fields = 0;
  for (const char* text : {"num_items=3", "embed_dim=5", "item_deviation=0.25", "max_age=1", "num_kinds=2",
                           "num_features=4", "combination=concat", "attention_features=[7,8]", "softmax=true",
                           "hidden_features=[]", "activation=silu", "dropout=0.125", "negatives=9"}) {
    const json before = io::to_json(din);
    io::set(din, text);
    CHECK(io::changes(before, io::to_json(din)).size() == 1);
    ++fields;
  }
  for_each_field(din, [&](const char*, auto&) { --fields; });
  CHECK(fields == 0);
  CHECK(din.attention_features == std::vector<Index>{7, 8});
  CHECK(din.activation == Activation::silu);
}

TEST_CASE("doubles keep their bits and integers their digits", "[io][options]") {
  recsys::TrainOptions options, read;
  recsys::TaskOptions task, read_task;
  for (const double rate : {0.1, 1.0 / 3, 3e-3, 5e-324, std::numeric_limits<double>::max(), 1 + 0x1p-52}) {
    options.learning_rate = rate;
    io::from_json(json::parse(io::to_json(options).dump()), read);
    CHECK(read.learning_rate == rate);
  }
  for (const std::int64_t time : {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}) {
    task.cuts = {.test_time = time};
    io::from_json(json::parse(io::to_json(task).dump()), read_task);
    CHECK(read_task.cuts == task.cuts);
  }
}

TEST_CASE("an error names the option, the expected type and the value, and changes nothing", "[io][options]") {
  using Task = recsys::TaskOptions;
  CHECK_THAT(error_of<Task>("k=10.5"), Equals("options: k is 10.5, wanted integer"));
  CHECK_THAT(error_of<Task>("k=10.0"), Equals("options: k is 10.0, wanted integer"));
  CHECK_THAT(error_of<Task>("k=9223372036854775808"), Contains("k is 9223372036854775808, wanted integer"));
  CHECK_THAT(error_of<Task>("k=1e400"), Contains("wanted integer"));
  CHECK_THAT(error_of<Task>("k=true"), Contains("k is true, wanted integer"));
  CHECK_THAT(error_of<Task>("k="), Contains("k is \"\", wanted integer"));
  CHECK_THAT(error_of<Task>("k=null"), Contains("k is null"));
  CHECK_THAT(error_of<Task>("learners=all\x1b[0m\xff"),
             Contains("learners is \"all\\\\u001b[0m\uFFFD\", wanted number"));
  CHECK_THAT(error_of<Task>("next_basket=1"), Contains("next_basket is 1, wanted true|false"));
  CHECK_THAT(error_of<Task>("size=1"), Equals("options: there is no option size, wanted one of next_basket, "
                                              "keep_history, day_baskets, cuts, max_length, k, learners"));
  CHECK_THAT(error_of<Task>("si\x1bze=1"), Contains("no option si\\x1bze,"));
  CHECK_THAT(error_of<Task>("k.size=1"), Contains("k is {\"size\":1}"));
  CHECK_THAT(error_of<Task>("k"), Equals("options: k is not name=value"));
  CHECK_THAT(error_of<Task>("=1"), Contains("not name=value"));
  CHECK_THAT(error_of<recsys::NextItemOptions>("loss.kind=guess"),
             Equals("options: loss.kind is \"guess\", wanted softmax|sampled_softmax|bce|gbce"));
  CHECK_THAT(error_of<recsys::NextItemOptions>("loss=softmax"), Contains("loss is \"softmax\", wanted"));
  CHECK_THAT(error_of<recsys::NextItemOptions>("loss.kinds=bce"),
             Contains("there is no option loss.kinds, wanted one of kind, "));
  CHECK_THAT(error_of<recsys::DINOptions>("hidden_features=[3,2.5]"),
             Contains("hidden_features[1] is 2.5, wanted integer"));
  CHECK_THAT(error_of<recsys::DINOptions>("hidden_features=3"),
             Contains("hidden_features is 3, wanted list of integer"));
  CHECK_THAT(error_of<data::DelimitedOptions>("quote=ab"), Contains("quote is \"ab\", wanted character"));
  CHECK_THAT(error_of<data::DelimitedOptions>("user=7"), Contains("user is 7, wanted text"));
  CHECK_THAT(error_of<recsys::TrainOptions>("executor=1"), Contains("there is no option executor"));
  recsys::TaskOptions task;
  CHECK_THROWS_AS(io::from_json(json{{"k", 3}, {"size", 1}}, task), OptionError);
  CHECK(task.k == 10);
  CHECK_THROWS_WITH(io::from_json(json::array(), task), Contains("options: JSON is [], wanted a JSON object"));
}

TEST_CASE("a value is converted exactly or not at all", "[io][options]") {
  CHECK(io::from_json<std::int32_t>(json(7), "seeds") == 7);
  CHECK(io::from_json<std::vector<Index>>(json{1, 2}, "counts") == std::vector<Index>{1, 2});
  CHECK(io::from_json<float>(json(3), "rate") == 3);
  CHECK_THROWS_WITH(io::from_json<std::vector<Index>>(json{1, 1e300}, "counts"),
                    Equals("options: counts[1] is 1e+300, wanted integer"));
  for (const json& wrong : {json(10.5), json(1e300), json(2147483648), json(true), json("7"), json(nullptr)}) {
    CHECK_THROWS_AS(io::from_json<std::int32_t>(wrong, "seeds"), OptionError);
  }
  CHECK_THROWS_WITH(io::from_json<std::uint64_t>(json(-1), "seed"), Equals("options: seed is -1, wanted integer"));
  CHECK_THROWS_AS(io::from_json<std::uint8_t>(json(256), "seed"), OptionError);
  CHECK_THROWS_WITH(io::from_json<float>(json(1e300), "rate"), Equals("options: rate is 1e+300, wanted number"));
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double wrong : {infinity, -infinity, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(io::from_json<double>(json(wrong), "rate"), OptionError);
  }
  CHECK_THROWS_AS(io::from_json<bool>(json(1), "flag"), OptionError);
  CHECK_THROWS_AS(io::from_json<std::string>(json(1), "name"), OptionError);
}

TEST_CASE("values and names of any nesting are errors", "[io][options]") {
  std::string brackets(200000, '['), name = "k";
  for (int i = 0; i < 100000; ++i) name += ".k";
  CHECK_THAT(error_of<recsys::TaskOptions>("k=" + brackets), Contains("wanted integer"));
  CHECK_THAT(error_of<recsys::TaskOptions>("k=" + brackets + std::string(200000, ']')), Contains("wanted integer"));
  CHECK_THAT(error_of<recsys::TaskOptions>(name + "=1"), Equals("options: a name has more than 64 parts"));
}

TEST_CASE("an optional option is null or a value", "[io][options]") {
  recsys::TaskOptions task;
  CHECK(io::to_json(task).at("cuts") == nullptr);
  CHECK_THAT(io::help(task), Contains("cuts=null  (JSON object of options or null)\n"));
  const json defaults = io::to_json(task);
  io::set(task, "cuts.validation_time=-3");
  io::set(task, "cuts.test_time=7");  // keeps the other one
  io::set(task, "cuts.unit.decimals=3");
  CHECK(task.cuts == data::TimeCuts{.validation_time = -3, .test_time = 7, .unit = {3}});
  const json with = io::to_json(task);
  CHECK(io::changes(defaults, with).dump() == R"({"cuts":{"test_time":7,"unit":{"decimals":3},"validation_time":-3}})");
  CHECK(io::changes(with, defaults).dump() == R"({"cuts":null})");
  io::set(task, "cuts=null");
  CHECK_FALSE(task.cuts);
  io::set(task, R"(cuts={"test_time":9})");
  CHECK(task.cuts == data::TimeCuts{.test_time = 9});
  CHECK_THAT(error_of<recsys::TaskOptions>("cuts=9"), Contains("cuts is 9, wanted a JSON object of options"));
  CHECK_THAT(error_of<recsys::TaskOptions>("cuts.test_time=null"), Contains("cuts.test_time is null, wanted integer"));
}

TEST_CASE("a character may be empty", "[io][options]") {
  data::DelimitedOptions options;
  io::set(options, "quote=");
  CHECK(options.quote == '\0');
  CHECK(io::to_json(options).at("quote") == "");
  io::set(options, "quote=;");
  CHECK(options.quote == ';');
}

TEST_CASE("a choice has a name and options, and starts from defaults when it changes", "[io][options]") {
  for (const auto& [name, options] : recsys::AnyEncoderOptions::choices()) {
    INFO(name);
    CHECK(options.choice() == name);
    const json written = io::to_json(options);
    CHECK(written.at("model") == name);
    CHECK_FALSE(written.contains("embed_dim"));
    CHECK_FALSE(written.contains("max_length"));
    recsys::AnyEncoderOptions read;
    io::from_json(written, read);
    CHECK(read.choice() == name);
  }
  recsys::AnyEncoderOptions encoder;
  io::set(encoder, "num_heads=2");
  io::set(encoder, "model=attention");  // unchanged
  CHECK(io::to_json(encoder).at("num_heads") == 2);
  io::from_json(json{{"num_blocks", 5}, {"model", "hstu"}}, encoder);
  CHECK(std::get<recsys::HSTUEncoderOptions>(encoder.encoder).num_blocks == 5);
  CHECK(std::get<recsys::HSTUEncoderOptions>(encoder.encoder).num_heads == 1);
  CHECK_THAT(error_of<recsys::AnyEncoderOptions>("model=bert4rec"),
             Contains("model is \"bert4rec\", wanted attention|gru4rec|hstu|ligr|lstm4rec|narm|sasrec"));
  CHECK_THAT(error_of<recsys::AnyEncoderOptions>("num_blocks=1"),
             Contains("there is no option num_blocks, wanted one of model, hidden_size"));
}

TEST_CASE("help has a line for each option: name, value, type", "[io][options]") {
  recsys::Configuration configuration;
  configuration.training.learning_rate = 0.003;
  const std::string text = io::help(configuration);
  for (const char* line :
       {"\ntraining.learning_rate=0.003  (number)\n", "\nencoder.model=attention  (attention|gru4rec|",
        "\nrecommender.loss.kind=softmax  (softmax|sampled_softmax|bce|gbce)\n",
        "\ntask.next_basket=true  (true|false)\n", "\ntask.k=10  (integer)\n"}) {
    CHECK_THAT("\n" + text, Contains(line));
  }
  CHECK_THAT(io::help(recsys::DINOptions()), Contains("hidden_features=[200,80]  (list of integer)"));
  CHECK_THAT(text, !Contains("executor"));
  // `set` accepts every line.
  std::size_t lines = 0;
  for (std::size_t begin = 0; begin < text.size(); begin = text.find('\n', begin) + 1, ++lines) {
    io::set(configuration, text.substr(begin, text.find("  (", begin) - begin));
  }
  CHECK(lines == io::to_json(configuration).flatten().size());
  CHECK(io::help(configuration) == text);
}

TEST_CASE("the key contains the differences from the defaults and ignores options that one side lacks",
          "[io][options]") {
  recsys::Configuration configuration;
  const json defaults = io::to_json(configuration);
  CHECK(io::changes(defaults, defaults) == json::object());
  io::set(configuration, "encoder.num_heads=8");
  io::set(configuration, "recommender.loss.scale=2");
  const json now = io::to_json(configuration), key = io::changes(defaults, now);
  CHECK(key.dump() == R"({"encoder":{"num_heads":8},"recommender":{"loss":{"scale":2.0}}})");
  json older = defaults;
  older["encoder"].erase("num_heads");
  older["training"]["long_gone"] = 1;
  CHECK(io::changes(older, now).dump() == R"({"recommender":{"loss":{"scale":2.0}}})");
}

}  // namespace HEED_TEST_UNIT
