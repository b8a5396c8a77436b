// SPDX-License-Identifier: Apache-2.0
// The programs of examples/*.cpp as a person runs them, one after the other on a small log.
#include "examples/programs.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>
#include <string>

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using Catch::Matchers::StartsWith;

/// 300 users who each take eight of 40 items, one after the other from a start of their own.
std::string walks() {
  std::ostringstream out;
  out << "time,note,user,item\n";
  for (int user = 0; user < 300; ++user) {
    for (int t = 0; t < 8; ++t) out << 100 + t << ",\"a, b\",u" << user << ",i" << (7 * user + t) % 40 << '\n';
  }
  return out.str();
}

/// The number behind the last `label` in `text`; NaN if there is none.
double number_after(const std::string& text, const std::string& label) {
  const std::size_t at = text.rfind(label);
  return at == std::string::npos ? NAN : std::strtod(text.c_str() + at + label.size(), nullptr);
}

TEST_CASE("every example is run by this file and has at most 120 lines", "[examples]") {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(HEED_SOURCE_DIR "/examples")) {
    if (entry.path().extension() != ".cpp") continue;
    names.insert(entry.path().stem());
    const std::string text = temporary::read_bytes(entry.path());
    INFO(entry.path());
    CHECK(std::count(text.begin(), text.end(), '\n') <= 120);
  }
  CHECK(names == std::set<std::string>{"custom_op", "explain", "minimal", "seq2seq", "session", "train"});
}

TEST_CASE("train saves a model that session serves and explain explains", "[examples]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.csv"), walks());
  const Outcome trained = shell(folder, "$examples/train log.csv");
  INFO(trained.text);
  REQUIRE(trained.status == 0);
  CHECK_THAT(trained.text, StartsWith("300 users, 40 items, 2400 events\nepoch  1  loss ") &&
                               Contains("  (best so far)\n") && EndsWith("\nwrote model.safetensors\n"));
  CHECK(folder.entries() == 2);  // the log and the model
  // Training ended early, and the model learned what popularity does not show.
  CHECK(number_after(trained.text, "\nepoch ") < 50);
  CHECK(number_after(trained.text, "weights of epoch ") == number_after(trained.text, "\nepoch ") - 5);
  CHECK(number_after(trained.text, "SASRec ") > 0.9);
  CHECK(number_after(trained.text, "popularity ") < 0.5);

  CHECK_THAT(shell(folder, "$examples/train log.csv other").text, EndsWith("\nwrote other\n"));
  CHECK(temporary::read_bytes(folder.file("other")) == temporary::read_bytes(folder.file("model.safetensors")));

  const Outcome served = shell(folder, "$examples/session model.safetensors i3 i4 caviar i5");
  INFO(served.text);
  CHECK(served.status == 0);
  CHECK_THAT(served.text, StartsWith("after i3:") && Contains("\nafter i4:") && Contains("\nafter i5:") &&
                              Contains("\ncaviar: not in the catalogue, skipped\n"));
  const std::string last = served.text.substr(served.text.rfind("after"));
  CHECK_THAT(last, Contains(" i6 ") && !Contains(" i3 ") && !Contains(" i4 "));  // not again what was taken

  const Outcome why = shell(folder, "$examples/explain model.safetensors i3 i4 i5");
  INFO(why.text);
  CHECK(why.status == 0);
  CHECK_THAT(why.text, StartsWith("recommended:\n") && Contains("recommended without i"));
  const std::size_t begin = why.text.find("attention weights"), end = why.text.find("recommended without");
  const std::string weights = why.text.substr(begin, end - begin);
  double sum = 0;
  std::size_t place = 0;
  for (const char* item : {"  i3\n", "  i4\n", "  i5\n"}) {
    place = weights.find(item, place);
    REQUIRE(place != std::string::npos);
    sum += std::strtod(weights.c_str() + place - 5, nullptr);  // "0.123"
  }
  CHECK(std::abs(sum - 1) < 0.002);
}

TEST_CASE("the examples name what is wrong and return its exit status", "[examples]") {
  const temporary::Folder folder;
  const auto fails = [&](const std::string& line, int status) {
    const Outcome outcome = shell(folder, line);
    CHECK(outcome.status == status);
    return outcome.text;
  };
  for (const std::string name : {"train", "session", "explain"}) {
    CHECK_THAT(fails("$examples/" + name, 2), StartsWith("usage: " + name + " "));
    CHECK_THAT(fails("$examples/" + name + " nowhere item", 1),
               StartsWith(name + ": ") && Contains("nowhere: ") && Contains("No such file or directory"));
  }
  temporary::write_bytes(folder.file("log.csv"), "user,item,when\nann,tea,1\n");
  CHECK_THAT(fails("$examples/train log.csv", 1), Contains("log.csv:1: no column \"time\""));
  CHECK_FALSE(std::filesystem::exists(folder.path / "model.safetensors"));
  CHECK_THAT(fails("$examples/session log.csv tea", 1), Contains("log.csv"));

  temporary::write_bytes(folder.file("walks.csv"), walks());
  REQUIRE(shell(folder, "$examples/train walks.csv").status == 0);
  CHECK_THAT(fails("$examples/explain model.safetensors i3 caviar", 1), Contains("no item \"caviar\""));
}

TEST_CASE("minimal and seq2seq learn, and the gradients of custom_op agree", "[examples]") {
  const temporary::Folder folder;
  const auto text_of = [&](const std::string& name) {
    const Outcome outcome = shell(folder, "$examples/" + name);
    INFO(outcome.text);
    CHECK(outcome.status == 0);
    return outcome.text;
  };
  const std::string minimal = text_of("minimal");
  CHECK_THAT(minimal, StartsWith("step  100  loss ") && Contains("\nstep 1000  loss "));
  CHECK(number_after(minimal, "step 1000  loss ") < 0.5 * number_after(minimal, "step  100  loss "));

  const std::string seq2seq = text_of("seq2seq");
  CHECK_THAT(seq2seq, Contains("\nepoch 5  loss "));
  CHECK(number_after(seq2seq, "test RMSE ") < 0.5 * number_after(seq2seq, "baseline "));

  const std::string custom_op = text_of("custom_op");
  CHECK_THAT(custom_op, StartsWith("contiguous inputs: gradients agree\nstrided inputs: gradients agree\n"));
  CHECK(std::abs(number_after(custom_op, "step 200  rate ") - 0.25) < 0.01);
}

}  // namespace HEED_TEST_UNIT
