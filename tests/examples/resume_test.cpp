// SPDX-License-Identifier: Apache-2.0
// `recommend train` and `recommend benchmark` continue from checkpoints after a kill, with the same bits.
#include <catch2/catch.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "examples/programs.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using nlohmann::json;

const std::string train =
    "$recommend train --data log.tsv --embed-dim 8 --hidden-size 8 --threads 1 --epochs 12 "
    "--patience 12 --seeds 2 --log log.jsonl ";
const std::string checkpoints = "--checkpoint dir --checkpoint-every 0 --resume ";

/// Runs `command` repeatedly and kills it each time once its log of epochs has grown by `lines`, until it ends itself.
Outcome killed_again_and_again(const temporary::Folder& folder, const std::string& command, int lines) {
  return shell(folder, "touch log.jsonl; for run in $(seq 100); do have=$(wc -l < log.jsonl); " + command +
                           " > out 2>&1 & pid=$!; while kill -0 $pid 2> /dev/null && "
                           "[ $(wc -l < log.jsonl) -lt $((have + " +
                           std::to_string(lines) +
                           ")) ]; do sleep 0.01; done; kill -KILL $pid 2> /dev/null; wait $pid; status=$?; "
                           "[ $status -ne 137 ] && break; done; echo runs $run; cat out; exit $status");
}

TEST_CASE("a training that is killed and resumed ends with the same bits", "[examples][resume]") {
  const temporary::Folder alone, killed;
  for (const auto* folder : {&alone, &killed}) temporary::write_bytes(folder->file("log.tsv"), small_log());
  const Outcome whole = shell(alone, train);
  INFO(whole.text);
  REQUIRE(whole.status == 0);
  const Outcome resumed = killed_again_and_again(killed, train + checkpoints, 3);
  INFO(resumed.text);
  REQUIRE(resumed.status == 0);
  CHECK_THAT(resumed.text, Contains("Continues from ") && !Contains("runs 1\n"));
  // A bool, so that a failure does not print the bytes.
  const bool same =
      temporary::read_bytes(alone.file("model.safetensors")) == temporary::read_bytes(killed.file("model.safetensors"));
  CHECK(same);
  const auto figures = [](const std::string& text) {
    const std::size_t begin = text.find("\nTest, "), end = text.find("\nCustomer");
    REQUIRE(begin != std::string::npos);
    return text.substr(begin, end - begin);
  };
  CHECK(figures(whole.text) == figures(resumed.text));

  // A finished one returns at once.
  const Outcome again = shell(killed, train + checkpoints + "| grep -v Continues");
  CHECK(again.status == 0);
  CHECK_THAT(again.text, !Contains("epoch  1") && Contains(figures(whole.text)));
}

TEST_CASE("the model of the best seed stays when a training is resumed", "[examples][resume]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  int first = 0;
  std::string command;
  for (Outcome outcome; outcome.text.find(": the model of seed " + std::to_string(first + 1)) == std::string::npos;) {
    REQUIRE(++first < 20);  // until the second seed is better
    std::filesystem::remove_all(folder.path / "dir");
    command = train + checkpoints + "--seed " + std::to_string(first) + " ";
    outcome = shell(folder, command);
    INFO(outcome.text);
    REQUIRE(outcome.status == 0);
  }
  const std::string second = "seed-" + std::to_string(first + 1), model = folder.file("model.safetensors");
  const std::string best = temporary::read_bytes(model);
  const auto is_best = [&] { return temporary::read_bytes(model) == best; };

  // A file that is gone, or of another training, is written again.
  std::filesystem::remove(model);
  CHECK(shell(folder, command).status == 0);
  CHECK(is_best());
  CHECK(shell(folder, "$recommend train --data log.tsv --epochs 1 --threads 1").status == 0);
  CHECK_FALSE(is_best());
  CHECK(shell(folder, command).status == 0);
  CHECK(is_best());
  CHECK(shell(folder, train + "--seed " + std::to_string(first + 50)).status == 0);
  CHECK(shell(folder, command).status == 0);
  CHECK(is_best());

  // The first seed does not replace it, although the second cannot be resumed.
  const Outcome stopped = shell(folder, "rm dir/" + second + "/* && ln -s checkpoint-1.safetensors dir/" + second +
                                            "/checkpoint-1.safetensors; " + command);
  INFO(stopped.text);
  CHECK(stopped.status == 1);
  CHECK_THAT(stopped.text, Contains("checkpoint-1.safetensors: cannot open: ") &&
                               Contains("recommend: the model of " + std::string("seed ") + std::to_string(first + 1)));
  CHECK(is_best());
}

TEST_CASE("the log of epochs has each once, however often a training is resumed", "[examples][resume]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  const auto lines = [&](const std::string& log) {
    std::vector<std::pair<int, int>> out;
    std::istringstream file(temporary::read_bytes(folder.file(log)));
    for (std::string line; std::getline(file, line);) {
      const json one = json::parse(line, nullptr, false);
      if (one.is_object()) out.emplace_back(one.at("seed").get<int>(), one.at("epoch").get<int>());
    }
    return out;
  };
  std::vector<std::pair<int, int>> expected;
  for (const int seed : {1, 2}) {
    for (int epoch = 1; epoch <= 12; ++epoch) expected.emplace_back(seed, epoch);
  }
  const auto run = [&](const std::string& before, const std::string& command) {
    const Outcome outcome = shell(folder, before + command);
    INFO(outcome.text);
    CHECK(outcome.status == 0);
  };
  run("", train + checkpoints);
  CHECK(lines("log.jsonl") == expected);
  run("rm dir/seed-2/$(ls dir/seed-2 | tail -n 1); ", train + checkpoints);  // the last epoch is repeated
  CHECK(lines("log.jsonl") == expected);
  run("rm -r dir/*; ", train + checkpoints);
  CHECK(lines("log.jsonl") == expected);
  run("rm log.jsonl; ", train + checkpoints);
  CHECK(lines("log.jsonl") == expected);
  run("head -c -20 log.jsonl > cut && mv cut log.jsonl; ", train + checkpoints);  // killed while it was written
  CHECK(lines("log.jsonl") == expected);
  run("", train);  // a new training
  CHECK(lines("log.jsonl").size() == 2 * expected.size());
}

TEST_CASE("checkpoints are neither replaced without --resume nor continued with other data or options",
          "[examples][resume]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  const Outcome first = shell(folder, train + checkpoints);
  INFO(first.text);
  REQUIRE(first.status == 0);
  CHECK_THAT(first.text, Contains("No checkpoint in dir/seed-1: starts from the beginning"));
  const auto before = shell(folder, "ls -R dir; cat dir/*/* model.safetensors | cksum").text;
  const auto refused = [&](const std::string& options, const std::string& message) {
    const Outcome outcome = shell(folder, train + options);
    INFO(options << "\n" << outcome.text);
    CHECK(outcome.status == 1);
    CHECK_THAT(outcome.text, Contains(message) && !Contains("epoch  1"));
    CHECK(shell(folder, "ls -R dir; cat dir/*/* model.safetensors | cksum").text == before);
  };
  refused("--checkpoint dir", "--checkpoint: dir is not empty: --resume continues");
  refused(checkpoints + "--set recommender.max_age=31", "recommender.max_age");
  temporary::write_bytes(folder.file("log.tsv"), small_log() + "c1\t1400000000\tmilk\n");
  refused(checkpoints, "log");
  CHECK(shell(folder, "$recommend train --data log.tsv --resume").status != 0);  // from where?
}

TEST_CASE("a benchmark that is killed resumes its run, and removes the checkpoints of results", "[examples][resume]") {
  const temporary::Folder alone, killed;
  const std::string plan = R"({"introduction": "# Results", "data": {"shop": {"title": "Shop", "file": "log.tsv",
      "format": "baskets", "next_basket": true, "protocol": "P."}},
      "runs": [{"data": "shop", "name": "LSTM", "encoder": "lstm4rec", "seeds": 2,
                "set": {"training": {"max_epochs": 6}, "recommender": {"embed_dim": 8}}}]})";
  for (const auto* folder : {&alone, &killed}) {
    temporary::write_bytes(folder->file("log.tsv"), small_log());
    temporary::write_bytes(folder->file("plan.json"), plan);
  }
  const std::string command = "$recommend benchmark --plan plan.json --results results --page page.md --threads 1 ";
  REQUIRE(shell(alone, command).status == 0);
  const Outcome resumed =
      shell(killed, command + checkpoints + "> out 2>&1 & pid=$!; until grep -q 'epoch   3' out; do kill -0 $pid || " +
                        "break; sleep 0.01; done; kill -KILL $pid; wait $pid; " + command + checkpoints);
  INFO(resumed.text);
  REQUIRE(resumed.status == 0);
  CHECK_THAT(resumed.text, Contains("Continues from dir/shop.LSTM.seed1/checkpoint-"));
  CHECK(std::filesystem::is_empty(killed.path / "dir"));
  for (const std::string file : {"results/shop/LSTM-seed1.json", "results/shop/LSTM-seed2.json"}) {
    const json one = json::parse(temporary::read_bytes(alone.file(file))),
               other = json::parse(temporary::read_bytes(killed.file(file)));
    for (const char* figure : {"test", "validation", "best_epoch", "deletion"}) {
      CHECK(one.value(figure, json()) == other.value(figure, json()));
    }
    CHECK(one.at("epochs").size() == other.at("epochs").size());
  }
}

}  // namespace HEED_TEST_UNIT
