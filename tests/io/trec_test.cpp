// SPDX-License-Identifier: Apache-2.0
#include "heed/io/trec.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "heed/recsys/evaluate.hpp"
#include "io/temporary.hpp"

namespace HEED_TEST_UNIT {

using heed::Index;
using namespace heed::recsys;

namespace {

const std::string folder = HEED_SOURCE_DIR "/tests/io/trec/";

/// The data of make.py: a log whose last baskets are the targets, and the recommended lists.
struct Fixture {
  heed::data::Interactions log;
  std::map<std::string, std::vector<std::string>> lists;

  Fixture() {
    heed::data::InteractionsBuilder builder({.times = true});
    std::string user, skipped, item;
    std::ifstream run(folder + "run.txt"), qrels(folder + "qrels.txt");
    for (std::string line; std::getline(run, line);) {
      std::istringstream(line) >> user >> skipped >> item;
      lists[user].push_back(item);
    }
    std::map<std::string, bool> seen;
    for (std::string line; std::getline(qrels, line);) {
      std::istringstream(line) >> user >> skipped >> item;
      if (!std::exchange(seen[user], true)) builder.add(user, "item-0", 0);  // a history, so that the rest is held out
      builder.add(user, item, 1);
    }
    for (const auto& list : lists) {
      for (const std::string& recommended : list.second) builder.add("names", recommended, 0);
    }
    log = std::move(builder).build();
  }

  Evaluation run(const EvaluateOptions& evaluation) const {
    const auto rank = [&](std::span<const heed::data::History> pasts, const RankOptions& options) {
      std::vector<std::vector<heed::data::Id>> out(pasts.size());
      for (std::size_t i = 0; i < pasts.size(); ++i) {
        const auto found = lists.find(std::string(log.users.text(pasts[i].user)));
        if (found == lists.end()) continue;
        for (const std::string& item : found->second) {
          if (std::ssize(out[i]) < options.k) out[i].push_back(log.item(item));
        }
      }
      return out;
    };
    return evaluate(log, heed::data::last_basket(log), rank, evaluation);
  }
};

/// ir_measures and ranx divide the average precision by the number of targets, also if it exceeds k.
double map_of_all_targets(const Evaluation& evaluation, Index k) {
  const Metrics metrics = evaluation.at(k);
  double sum = 0;
  for (std::size_t i = 0; i < metrics.map.size(); ++i) {
    const auto targets = static_cast<double>(evaluation.targets[i].size());
    sum += metrics.map[i] * std::min(targets, static_cast<double>(k)) / targets;
  }
  return sum / static_cast<double>(metrics.size());
}

}  // namespace

TEST_CASE("figures agree with those of ir_measures and ranx on the same files", "[io][trec]") {
  const Evaluation evaluation = Fixture().run({.k = 10, .depth = 20});
  REQUIRE(evaluation.users.size() == 25);
  std::ifstream expected(folder + "expected.tsv");
  int compared = 0;
  for (std::string line; std::getline(expected, line);) {
    if (line.front() == '#') continue;
    std::string metric;
    Index k = 0;
    double value = 0;
    std::istringstream(line) >> metric >> k >> value;
    const RankingMetrics mean = evaluation.at(k).mean();
    const std::map<std::string, double> ours = {
        {"hit_rate", mean.hit_rate}, {"recall", mean.recall}, {"precision", mean.precision},
        {"ndcg", mean.ndcg},         {"mrr", mean.mrr},       {"map", map_of_all_targets(evaluation, k)}};
    INFO(line);
    CHECK(std::abs(ours.at(metric) - value) < 1e-6);
    if (k == 10 && metric == "ndcg") CHECK(std::abs(evaluation.all.mean().ndcg - value) < 1e-6);
    ++compared;
  }
  CHECK(compared == 24);
}

TEST_CASE("writing run and qrels reproduces the files that were read", "[io][trec]") {
  const temporary::Folder temporary;
  const Fixture fixture;
  const Evaluation evaluation = fixture.run({.depth = 20});
  heed::io::write_trec_run(temporary.file("run.txt"), fixture.log, evaluation);
  CHECK(temporary::read_bytes(temporary.file("run.txt")) == temporary::read_bytes(folder + "run.txt"));

  heed::io::write_trec_qrels(temporary.file("qrels.txt"), fixture.log, evaluation);
  const auto sorted = [](const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  CHECK(sorted(temporary::read_bytes(temporary.file("qrels.txt"))) ==
        sorted(temporary::read_bytes(folder + "qrels.txt")));
  CHECK(temporary.entries() == 2);
}

TEST_CASE("an id that is empty or contains white space is an error", "[io][trec]") {
  const temporary::Folder temporary;
  heed::data::InteractionsBuilder builder({});
  for (const char* item : {"a", "b", "two words"}) builder.add("u", item);
  const auto log = std::move(builder).build();
  const auto rank = [](std::span<const heed::data::History>, const RankOptions&) {
    return std::vector<std::vector<heed::data::Id>>{{0, 1}};
  };
  const Evaluation evaluation = evaluate(log, heed::data::leave_one_out(log), rank);
  temporary::write_bytes(temporary.file("qrels.txt"), "old");
  CHECK_THROWS_WITH(heed::io::write_trec_qrels(temporary.file("qrels.txt"), log, evaluation),
                    "write_trec_qrels: \"two words\" cannot be written: an id must be non-empty without white space");
  CHECK(temporary::read_bytes(temporary.file("qrels.txt")) == "old");
  heed::io::write_trec_run(temporary.file("run.txt"), log, evaluation, "tag");
  CHECK(temporary::read_bytes(temporary.file("run.txt")) == "u Q0 a 1 2 tag\nu Q0 b 2 1 tag\n");
  CHECK_THROWS_AS(heed::io::write_trec_run(temporary.file("run.txt"), log, evaluation, ""), heed::IoError);
  CHECK_THROWS_AS(heed::io::write_trec_run(temporary.file("no/run.txt"), log, evaluation), heed::IoError);
}

}  // namespace HEED_TEST_UNIT
