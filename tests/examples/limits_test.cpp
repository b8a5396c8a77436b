// SPDX-License-Identifier: Apache-2.0
// The recommend program with options and files out of all bounds: one clear line and exit 1 (105 or so where the
// command line is wrong), before any training.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "examples/programs.hpp"
#include "support/allocations.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using nlohmann::json;

TEST_CASE("options out of bounds are refused before the training", "[examples][limits]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  const auto refused = [&](const std::string& options, const std::string& message) {
    const Outcome outcome = shell(folder, "$recommend train --data log.tsv " + options);
    INFO(options << "\n" << outcome.text);
    CHECK(outcome.status > 0);
    CHECK(outcome.status < 128);  // no signal
    CHECK_THAT(outcome.text, Contains(message) && !Contains("epoch  1"));
    CHECK(folder.entries() == 1);
  };
  refused("--embed-dim 999999999", "recommender.embed_dim is 999999999, wanted 0 to 65536");
  refused("--negatives 9223372036854775807 --loss sampled_softmax --no-pointer", "recommender.loss.negatives is ");
  refused("--max-length 1000000000000", "task.max_length is 1000000000000");
  refused("--epochs 9223372036854775807", "training.max_epochs is ");
  refused("--batch-size 9223372036854775807", "training.batch_size is ");
  refused("--hidden-size 999999999", "encoder.hidden_size is ");
  refused("--encoder sasrec --blocks 999999999", "encoder.num_blocks is ");
  refused("--learning-rate inf", "training.learning_rate is ");
  refused("--set task.k=0", "task.k is 0");
  refused("--set task.k=" + std::string(5000, '['), "task.k is ");
  refused("--threads 100000", "--threads");
  refused("--seed -1", "-1 is negative");
  refused("--seeds 0", "--seeds");
  refused("--seeds 2147483647", "--seeds");
  for (const std::string command : {"compare", "evaluate", "recommend", "explain"}) {
    const Outcome outcome = shell(folder, "$recommend " + command + " --data log.tsv --seed -1");
    INFO(outcome.text);
    CHECK_THAT(outcome.text, Contains("-1 is negative"));
  }
}

TEST_CASE("the program says when a model file has no checksum", "[examples][limits]") {
  const temporary::Folder folder;
  const auto shown = [&](const std::string& file) {
    const Outcome outcome =
        shell(folder, "$recommend recommend --history 10002 --model " HEED_SOURCE_DIR "/tests/io/golden/" + file);
    INFO(outcome.text);
    CHECK(outcome.status == 0);
    return outcome.text.find("has no checksum") != std::string::npos;
  };
  CHECK(shown("recommender_2.safetensors"));
  CHECK_FALSE(shown("recommender_2_checksum.safetensors"));
}

#ifndef HEED_TEST_SANITIZED  // sanitizers reserve more addresses than the limit

TEST_CASE("a lack of memory ends in one line and exit 1", "[examples][limits]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  const Outcome outcome = shell(folder,
                                "ulimit -v 4000000 && $recommend train --data log.tsv --epochs 1 --threads 1 "
                                "--embed-dim 65536 --hidden-size 65536");
  INFO(outcome.text);
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.text, Contains("recommend: not enough memory") && !Contains("terminate"));
  CHECK(folder.entries() == 1);
}

#endif

TEST_CASE("a plan out of bounds is an error that names the run", "[examples][limits]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  const auto refused = [&](const std::string& plan, const std::string& message, const std::string& options = "") {
    temporary::write_bytes(folder.file("plan.json"), plan);
    const Outcome outcome =
        shell(folder, "$recommend benchmark --plan plan.json --results r --page p.md --threads 1 " + options);
    INFO(outcome.text.substr(0, 2000));
    CHECK(outcome.status == 1);
    CHECK_THAT(outcome.text, Contains(message) && !Contains("epoch"));
    CHECK(outcome.text.size() < 2000);
  };
  const auto plan = [](const char* option, const json& value) {
    json out = json::parse(R"({"introduction": "# Results", "data": {"shop": {"title": "Shop", "file": "log.tsv",
        "format": "baskets", "next_basket": true, "protocol": "P."}},
        "runs": [{"data": "shop", "name": "LSTM", "encoder": "lstm4rec"}]})");
    out["runs"][0][option] = value;
    return out.dump();
  };
  refused(plan("name", std::string(50'000, 'a')), "names files: wanted at most 100 letters");
  refused(plan("seeds", 2'147'483'648), "seeds is 2147483648");
  refused(plan("seeds", 1e300), "seeds is 1e+300");
  refused(plan("seeds", 10.5), "seeds is 10.5");
  refused(plan("seeds", 1001), "1001 seeds, wanted 0 to 1000");
  refused(plan("seeds", -1), "-1 seeds");
  refused(plan("set", {{"recommender", {{"embed_dim", 999'999'999}}}}), "shop/LSTM: options: recommender.embed_dim is");
  refused(std::string(100'000, '['), "nests more than 64");
  std::string nested = "1";
  for (int i = 0; i < 50'000; ++i) nested = "{\"a\":" + nested + "}";
  refused(nested, "nests more than 64");
  refused("[]", "is not a JSON object");
  refused(plan("seeds", 1), "more than 1000 characters", "--only '" + std::string(50'000, '(') + "'");
  CHECK_FALSE(std::filesystem::exists(folder.path / "p.md"));
}

TEST_CASE("names and ids from files are printed without control characters", "[examples][limits]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log() + "c\x1b[2J\t1300000000\tmilk\x1b]0;x\x07 p1\n" +
                                                     "c\x1b[2J\t1300086400\tmilk\x1b]0;x\x07 p1\n" +
                                                     "c\x1b[2J\t1300172800\tmilk\x1b]0;x\x07 p2\n");
  temporary::write_bytes(folder.file("names.tsv"),
                         "item_id\tdescription\nmilk\tMI\x1b[31mLK\xc2\x9b\np1\tBR\x1b[1mEAD\n");
  const auto clean = [&](const std::string& command) {
    const Outcome outcome = shell(folder, "$recommend " + command);
    INFO(outcome.text);
    CHECK(std::none_of(outcome.text.begin(), outcome.text.end(),
                       [](unsigned char c) { return (c < ' ' && c != '\n') || c == 0x7f || c == 0x9b; }));
    return outcome;
  };
  const std::string small = " --items names.tsv --epochs 1 --embed-dim 8 --hidden-size 8 --threads 1";
  CHECK(clean("train --data log.tsv" + small).status == 0);
  CHECK(clean("evaluate --data log.tsv --items names.tsv --threads 1").status == 0);
  CHECK(clean("recommend --data log.tsv --items names.tsv --user c1").status == 0);
  CHECK(clean("recommend --history milk p1 -k 12").status == 0);
  const Outcome why = clean("explain --history milk p1 milk");
  CHECK(why.status == 0);
  CHECK_THAT(why.text, Contains("MI\\x1b[31mLK"));
  CHECK(clean("recommend --data log.tsv --user 'nobody\x1b[2J'").status == 1);
  CHECK(clean("recommend --history 'nothing\x1b[2J'").status == 1);
}

}  // namespace HEED_TEST_UNIT
