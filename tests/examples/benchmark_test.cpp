// SPDX-License-Identifier: Apache-2.0
// The plan, the files of results and the page of `recommend benchmark`: those of this repository, and small ones.
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "examples/programs.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using nlohmann::json;

const std::string command = "$recommend benchmark --plan plan.json --results results --page page.md --threads 1 ";

json small_plan() {
  return json::parse(R"({"introduction": "# Results",
      "data": {"shop": {"title": "Shop", "file": "log.tsv", "format": "baskets", "next_basket": true, "protocol": "P."}},
      "runs": [{"data": "shop", "name": "LSTM", "encoder": "lstm4rec", "seeds": 2,
                "set": {"training": {"max_epochs": 1}, "recommender": {"embed_dim": 8}}}]})");
}

json read_json(const temporary::Folder& folder, const std::string& file) {
  return json::parse(temporary::read_bytes(folder.file(file)));
}

TEST_CASE("a plan may keep the history of single events", "[examples][benchmark]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  json plan = small_plan();
  plan["data"]["shop"].update({{"next_basket", false}, {"keep_history", true}});
  temporary::write_bytes(folder.file("plan.json"), plan.dump());
  const Outcome outcome = shell(folder, command + "--seeds 1");
  INFO(outcome.text);
  REQUIRE(outcome.status == 0);
  CHECK(read_json(folder, "results/shop/LSTM-seed1.json").at("configuration").at("task").at("keep_history") == true);
  const json baselines = read_json(folder, "results/shop/baselines.json");
  CHECK(baselines.at("data").at("keep_history") == true);
  CHECK_THAT(baselines.dump(), Contains("personal frequency"));
}

TEST_CASE("docs/results.md is generated from docs/results, and every file there is used", "[examples][benchmark]") {
  const std::filesystem::path source = HEED_SOURCE_DIR;
  const temporary::Folder folder;  // has no data, so that nothing can be measured
  std::filesystem::copy(source / "docs/results", folder.path / "results", std::filesystem::copy_options::recursive);
  std::filesystem::copy(source / "examples/benchmark.json", folder.path / "plan.json");
  const Outcome outcome = shell(folder, command + "--only NOTHING");
  INFO(outcome.text);
  REQUIRE(outcome.status == 0);
  CHECK_THAT(outcome.text, !Contains("The plan does not use") && !Contains("does not exist") &&
                               !Contains("does not match the plan") && !Contains("an option that no longer exists"));
  CHECK(temporary::read_bytes(folder.file("page.md")) == temporary::read_bytes((source / "docs/results.md").string()));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path / "results")) {
    if (entry.is_directory()) continue;
    INFO(entry.path());
    CHECK_FALSE(json::parse(temporary::read_bytes(entry.path().string())).at("commit").get<std::string>().empty());
  }
}

TEST_CASE("a stored run is used when data, model, seed and options match the plan, and measured again otherwise",
          "[examples][benchmark]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  json plan = small_plan();
  const auto run = [&] {
    temporary::write_bytes(folder.file("plan.json"), plan.dump());
    const Outcome outcome = shell(folder, command);
    INFO(outcome.text);
    REQUIRE(outcome.status == 0);
    return outcome.text;
  };
  const std::string first = "results/shop/LSTM-seed1.json", second = "results/shop/LSTM-seed2.json";
  CHECK_THAT(run(), Contains("seed 1") && Contains("seed 2") && !Contains("does not use"));
  CHECK_THAT(temporary::read_bytes(folder.file("page.md")),
             Contains("320 events. P. Training: batches of 64, rate 0.003, 1 epochs.\n"));
  json older = read_json(folder, first);
  CHECK(older.at("name") == "LSTM");
  CHECK(older.at("model") == "lstm4rec");
  CHECK(older.at("seed") == 1);
  CHECK(older.at("commit").get<std::string>().size() >= 7);
  CHECK(read_json(folder, "results/shop/baselines.json").at("commit") == older.at("commit"));

  // Setting a default explicitly does not change the run, and a file older than an option or a figure still matches.
  plan["runs"][0]["set"]["recommender"]["max_age"] = 32;
  plan["runs"][0]["set"]["training"]["clip_norm"] = 0;
  older["configuration"]["training"].erase("clip_norm");
  older["configuration"]["task"]["long_gone"] = 0;
  older["test"].erase("auc");
  older.erase("seconds_an_epoch");
  temporary::write_bytes(folder.file(first), older.dump());
  // A click model without results, so that the table of clicks is written.
  plan["runs"].push_back({{"data", "shop"}, {"name", "DIN"}, {"model", "din"}, {"seeds", 0}});
  CHECK_THAT(run(), !Contains("shop/LSTM, seed") && !Contains("does not use") &&
                        Contains(first + " has an option that no longer exists: task.long_gone"));
  const std::string page = temporary::read_bytes(folder.file("page.md"));
  INFO(page);
  const auto row = [&](const std::string& table) {
    const std::size_t begin = page.find("| LSTM", page.find(table));
    REQUIRE(begin != std::string::npos);
    return page.substr(begin, page.find('\n', begin) - begin);
  };
  // The number of seeds counts the files that have the figure.
  CHECK_THAT(row("| HR@10"), Contains(" | 2 | 1 | "));
  CHECK_THAT(row("| AUC"), Catch::Matchers::EndsWith("| 1 |") && !Contains("±"));
  CHECK_THAT(row("| batches"), Catch::Matchers::EndsWith("| 1 |"));

  // An option that the file lacks counts as its default, from which the plan may differ.
  plan["runs"][0]["set"]["training"]["clip_norm"] = 5;
  const std::string clipped = run();
  CHECK_THAT(clipped, Contains(first + " does not match the plan:\n  configuration.training.clip_norm is 0.0, the plan "
                                       "says 5.0\nshop/LSTM, seed 1\n"));
  CHECK_THAT(clipped, Contains("shop/LSTM, seed 2\n") && Contains("(best)"));
  CHECK(read_json(folder, first).at("configuration").at("training").at("clip_norm") == 5);

  // A changed default, another model and another seed make the file the result of another run.
  const auto stale = [&](const char* pointer, const json& value) {
    json changed = read_json(folder, second);
    changed[json::json_pointer(pointer)] = value;
    temporary::write_bytes(folder.file(second), changed.dump());
    const std::string text = run();
    CHECK_THAT(text, Contains(second + " does not match the plan:") && Contains("shop/LSTM, seed 2\n"));
    CHECK_THAT(text, !Contains("shop/LSTM, seed 1\n"));
  };
  stale("/configuration/training/patience", 77);
  stale("/configuration/encoder/model", "gru4rec");
  stale("/model", "din");
  stale("/seed", 3);
  stale("/data/next_basket", false);

  plan["runs"][0]["name"] = "other";
  CHECK_THAT(run(), Contains("shop/other, seed 1") && Contains("The plan does not use " + first) &&
                        Contains("The plan does not use " + second));
}

TEST_CASE("a data set may have any name, and a folder that cannot be written is reported before anything runs",
          "[examples][benchmark]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  json plan = small_plan();
  plan["data"] = {{"check", plan["data"]["shop"]}};
  plan["runs"] = json::array();
  temporary::write_bytes(folder.file("plan.json"), plan.dump());
  for (int time = 0; time < 2; ++time) {
    const Outcome outcome = shell(folder, command);
    INFO(outcome.text);
    CHECK(outcome.status == 0);
  }
  CHECK(std::filesystem::exists(folder.path / "results/check/baselines.json"));

  temporary::write_bytes(folder.file("plan.json"), small_plan().dump());
  temporary::write_bytes(folder.file("results/shop"), "");
  const Outcome outcome = shell(folder, command);
  INFO(outcome.text);
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.text, Contains("results/shop") && !Contains("seed 1"));
}

TEST_CASE("an error in a plan is reported before anything runs, with the name of the run", "[examples][benchmark]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  const auto fails = [&](const char* pointer, const json& value) {
    json plan = small_plan();
    plan["runs"].push_back({{"data", "shop"}, {"name", "other"}, {"encoder", "sasrec"}});
    plan[json::json_pointer(pointer)] = value;
    temporary::write_bytes(folder.file("plan.json"), plan.dump());
    const Outcome outcome = shell(folder, command + "--only LSTM");
    INFO(outcome.text);
    CHECK(outcome.status == 1);
    CHECK_FALSE(std::filesystem::exists(folder.path / "results"));
    return outcome.text;
  };
  CHECK_THAT(fails("/runs/1/set/encoder/blocks", 3), Contains("shop/other: ") && Contains("no option encoder.blocks"));
  CHECK_THAT(fails("/runs/1/encoder", "rnn"), Contains("shop/other: ") && Contains("there is no encoder rnn"));
  CHECK_THAT(fails("/runs/1/encoder", 5), Contains("shop/other: "));
  CHECK_THAT(fails("/runs/1/model", "dim"), Contains("shop/other: ") && Contains("there is no model dim"));
  CHECK_THAT(fails("/runs/1/data", "mall"), Contains("mall/other: ") && Contains("no such data"));
  CHECK_THAT(fails("/runs/1/name", "LSTM"), Contains("shop/LSTM: ") && Contains("another run of this data set"));
  CHECK_THAT(fails("/runs/1/name", "../other"), Contains("'../other' names files"));
  CHECK_THAT(fails("/runs/1/name", "baselines"), Contains("'baselines' names files"));
  CHECK_THAT(fails("/data/shop/format", "xml"), Contains("data shop: ") && Contains("there is no format xml"));
  // The task is the same for all models of a data set.
  for (const char* option : {"k", "learners", "next_basket", "keep_history"}) {
    CHECK_THAT(fails((std::string("/runs/1/set/task/") + option).c_str(), 1),
               Contains("shop/other: ") && Contains(std::string("task.") + option + " is set by the data set"));
  }
}

}  // namespace HEED_TEST_UNIT
