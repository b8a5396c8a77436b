// SPDX-License-Identifier: Apache-2.0
// The recommend program as a person runs it: a small log, all four commands, what goes wrong, and Ctrl-C.
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <sstream>
#include <string>

#include "heed/io/recommender.hpp"
#include "io/temporary.hpp"
#include "io/xml.hpp"

namespace {

using Catch::Matchers::Contains;

struct Outcome {
  int status = -1;
  std::string text;  // what it printed, errors too
};

/// Runs a line of shell in `folder`, where $recommend is the program.
Outcome shell(const temporary::Folder& folder, const std::string& line) {
  const std::string command = "cd '" + folder.path.string() +
                              "' && recommend='" HEED_EXAMPLES_BINARY_DIR "/recommend' && { " + line + "; } 2>&1";
  std::FILE* const pipe = ::popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Outcome out;
  char buffer[4096];
  for (std::size_t n = 0; (n = std::fread(buffer, 1, sizeof(buffer), pipe)) > 0;) out.text.append(buffer, n);
  const int status = ::pclose(pipe);
  out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

/// 40 customers with four baskets each: milk every time, and something that changes.
std::string small_log() {
  std::ostringstream out;
  for (int customer = 0; customer < 40; ++customer) {
    for (int day = 0; day < 4; ++day) {
      out << "c" << customer << '\t' << 1300000000 + 86400 * day << "\tmilk p" << (customer * 7 + day * 3) % 11 << '\n';
    }
  }
  return out.str();
}

constexpr const char* names = "item_id\tdescription\nmilk\tMILK & <HONEY>\np1\tBREAD\n";
const std::string tiny = " --embed-dim 8 --hidden-size 8 ", small = tiny + "--threads 1 ";

/// The lines of `text` from the one that begins with `first` on.
std::string from_line(const std::string& text, const std::string& first) {
  const std::size_t at = text.find("\n" + first);
  return at == std::string::npos ? "" : text.substr(at);
}

void check_page(const std::string& path) {
  const Xml page(temporary::read_bytes(path));
  CHECK(page.first_error == "");
  CHECK(page.count("svg") > 0);
}

}  // namespace

TEST_CASE("train, evaluate, recommend and explain, one after the other", "[examples][recommend]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  temporary::write_bytes(folder.file("names.tsv"), names);
  const Outcome trained =
      shell(folder, "$recommend train --data log.tsv --items names.tsv --epochs 4 --learning-rate 0.02" + small);
  INFO(trained.text);
  REQUIRE(trained.status == 0);
  CHECK_THAT(trained.text, Contains(std::string("instruction set ")));
  CHECK_THAT(trained.text, Contains("40 users, 12 items, 320 events") && Contains("epoch  1  loss"));
  CHECK_THAT(trained.text, Contains("personal frequency, then Markov") && Contains("Markov chain"));
  CHECK_THAT(trained.text, Contains("Deleting the most weighed item"));
  CHECK_THAT(trained.text, Contains("MILK & <HONEY>") && !Contains("\r"));
  CHECK(folder.entries() == 4);  // nothing is left of the files written beside
  check_page(folder.file("report.html"));

  const auto saved = heed::io::load_recommender<float>(folder.file("model.safetensors"));
  CHECK(saved.item_ids.size() == 12);
  CHECK(saved.item_ids.name(saved.item_ids.find("milk")) == "MILK & <HONEY>");
  CHECK(saved.task.next_basket);

  // The same data, the same figures.
  const Outcome evaluated = shell(folder, "$recommend evaluate --data log.tsv --threads 1");
  REQUIRE(evaluated.status == 0);
  const std::string table = from_line(evaluated.text, "Test, 40 users:");
  CHECK_FALSE(table.empty());
  CHECK_THAT(trained.text, Contains(table));

  const Outcome list = shell(folder, "$recommend recommend --data log.tsv --user c3 -k 3");
  REQUIRE(list.status == 0);
  CHECK(std::count(list.text.begin(), list.text.end(), '\n') == 3);
  CHECK_THAT(list.text, Contains("MILK & <HONEY>"));
  CHECK(shell(folder, "$recommend recommend --history milk p1 milk -k 2").status == 0);

  const Outcome why = shell(folder, "$recommend explain --data log.tsv --user c3 --report why.html");
  REQUIRE(why.status == 0);
  CHECK_THAT(why.text, Contains("2011-03-16") && Contains("the attention weighed most") && Contains("MILK & <HONEY>"));
  check_page(folder.file("why.html"));

  // A log in which not every item is known.
  temporary::write_bytes(folder.file("new.tsv"), small_log() + "c1\t1400000000\tmilk caviar\n");
  const Outcome other = shell(folder, "$recommend evaluate --data new.tsv --threads 1");
  CHECK(other.status == 0);
  CHECK_THAT(other.text, Contains("1 events left out"));
}

TEST_CASE("the same seed trains the same model, several seeds are averaged", "[examples][recommend]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  const auto train = [&](const std::string& options) {
    const Outcome outcome = shell(folder, "$recommend train --data log.tsv --epochs 2" + tiny + options);
    INFO(outcome.text);
    CHECK(outcome.status == 0);
    return outcome.text;
  };
  train("--seed 5 --model a --threads 1");
  train("--seed 5 --model b --threads 2");
  train("--seed 6 --model c --threads 1");
  // As a bool: the bytes of a failure are nothing to print.
  const auto same = [&](const char* one, const char* other) {
    return temporary::read_bytes(folder.file(one)) == temporary::read_bytes(folder.file(other));
  };
  CHECK(same("a", "b"));
  CHECK_FALSE(same("a", "c"));
  CHECK_THAT(train("--seeds 2 --threads 1"),
             Contains("seed 1\n") && Contains("seed 2\n") && Contains("attention, 2 seeds"));
}

TEST_CASE("every attention, without the head, every position", "[examples][recommend]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  for (const std::string options : {"--attention none", "--attention multi_head --no-pointer", "--attention target",
                                    "--mode every-position", "--attention additive --no-pointer"}) {
    const Outcome outcome = shell(folder, "$recommend train --data log.tsv --epochs 1" + small + options);
    INFO(options << "\n" << outcome.text);
    CHECK(outcome.status == 0);
    check_page(folder.file("report.html"));
  }
}

TEST_CASE("every encoder trains, for the next basket and at every position", "[examples][recommend]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  for (const auto& [name, options] : heed::io::encoders()) {
    for (const std::string mode : {"next-basket", "every-position"}) {
      const Outcome outcome =
          shell(folder, "$recommend train --data log.tsv --epochs 1 --embed-dim 8 --threads 1 --mode " + mode +
                            " --encoder " + name + " --log log.jsonl");
      INFO(outcome.text);
      CHECK(outcome.status == 0);
      const auto saved = heed::io::load_recommender<float>(folder.file("model.safetensors"));
      CHECK(heed::io::name_of(saved.model.encoder_options()) == name);
    }
  }
  const std::string log = temporary::read_bytes(folder.file("log.jsonl"));
  CHECK(std::count(log.begin(), log.end(), '\n') == std::ssize(heed::io::encoders()) * 2);
}

TEST_CASE("options by path, and what is wrong with them", "[examples][recommend]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  const auto train = [&](const std::string& options) {
    return shell(folder,
                 "$recommend train --data log.tsv --epochs 1 --embed-dim 8 --threads 1 --encoder sasrec " + options);
  };
  const Outcome set = train("--set encoder.num_blocks=1 recommender.loss.kind=gbce recommender.pointer=false");
  INFO(set.text);
  REQUIRE(set.status == 0);
  const auto saved = heed::io::load_recommender<float>(folder.file("model.safetensors"));
  CHECK(std::get<heed::recsys::SASRecEncoderOptions>(saved.model.encoder_options().encoder).num_blocks == 1);
  CHECK(saved.model.options().loss.kind == heed::recsys::NextItemLoss::Kind::gbce);
  CHECK_THAT(train("--set encoder.blocks=1").text, Contains("there is no option encoder.blocks"));
  CHECK_THAT(train("--hidden-size 4").text, Contains("there is no option encoder.hidden_size"));
  CHECK_THAT(train("--set recommender.loss.kind=guess").text, Contains("choices"));
  CHECK(train("--set encoder.num_blocks=many").status == 1);
}

TEST_CASE("a benchmark grows over several invocations", "[examples][recommend]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  temporary::write_bytes(folder.file("plan.json"), R"({"introduction": "# Results",
      "data": {"shop": {"title": "Shop", "file": "log.tsv", "format": "baskets", "next_basket": true, "protocol": "P."}},
      "runs": [{"data": "shop", "name": "LSTM", "encoder": "lstm4rec", "seeds": 2,
                "set": {"training": {"max_epochs": 1}, "recommender": {"embed_dim": 8}}}]})");
  const std::string command = "$recommend benchmark --plan plan.json --results results --page page.md --threads 1 ";
  const Outcome first = shell(folder, command + "--seeds 1");
  INFO(first.text);
  REQUIRE(first.status == 0);
  CHECK_THAT(first.text, Contains("shop/LSTM, seed 1") && !Contains("seed 2"));
  const Outcome second = shell(folder, command);
  CHECK_THAT(second.text, Contains("seed 2") && !Contains("seed 1"));
  CHECK_THAT(shell(folder, command).text, !Contains("seed"));
  const std::string page = temporary::read_bytes(folder.file("page.md"));
  CHECK_THAT(page, Contains("## Shop") && Contains("TIFU-KNN") && Contains("| LSTM (") && Contains(" ± "));
  CHECK_THAT(shell(folder, command + "--only '('").text, Contains("benchmark: "));
  CHECK_THAT(shell(folder, "$recommend benchmark --plan nowhere.json").text, Contains("nowhere.json"));
}

TEST_CASE("logs of other forms, compressed too", "[examples][recommend]") {
  const temporary::Folder folder;
  std::string lines, csv = "who,what,when\n", recbole = "user_id:token\titem_id:token\ttimestamp:float\n", movielens;
  for (int user = 0; user < 12; ++user) {
    for (int t = 0; t < 6; ++t) {
      const std::string u = std::to_string(user), i = std::to_string((user + t) % 7), when = std::to_string(t);
      lines += u + " " + i + "\n";
      csv += u + "," + i + "," + when + "\n";
      recbole += u + "\t" + i + "\t" + when + "\n";
      movielens += u + "::" + i + "::4::" + when + "\n";
    }
  }
  temporary::write_bytes(folder.file("lines.txt"), lines);
  temporary::write_bytes(folder.file("log.csv"), csv);
  temporary::write_bytes(folder.file("log.inter"), recbole);
  temporary::write_bytes(folder.file("ratings.dat"), movielens);
  REQUIRE(shell(folder, "gzip log.inter").status == 0);
  for (const std::string options :
       {"--format user-item --data lines.txt", "--format recbole --data log.inter.gz",
        "--format movielens --data ratings.dat",
        "--format csv --data log.csv --user-column who --item-column what --time-column when"}) {
    const Outcome outcome = shell(folder, "$recommend train --epochs 1" + small + options);
    INFO(options << "\n" << outcome.text);
    CHECK(outcome.status == 0);
    CHECK_THAT(outcome.text, Contains("12 users, 7 items, 72 events; task: the last event"));
  }
}

TEST_CASE("what is wrong is said with file and line, and nothing is written", "[examples][recommend]") {
  const temporary::Folder folder;
  const auto fails = [&](const std::string& log, const std::string& options = "") {
    temporary::write_bytes(folder.file("log.tsv"), log);
    const Outcome outcome = shell(folder, "$recommend train --data log.tsv --epochs 1" + small + options);
    CHECK(outcome.status == 1);
    CHECK(folder.entries() == 1);
    return outcome.text;
  };
  const std::string bad_line = "c1\tyesterday\tmilk\n";
  CHECK_THAT(fails(small_log() + bad_line), Contains("log.tsv:161: ") && Contains("yesterday"));
  CHECK_THAT(fails(""), Contains("log.tsv: no interactions"));
  CHECK_THAT(fails(bad_line, "--skip-bad-lines"), Contains("log.tsv: no interactions"));
  CHECK_THAT(fails("c1\t5\tmilk\n"), Contains("no examples to learn from"));
  CHECK_THAT(fails(small_log(), "--report nowhere/report.html --model nowhere/model"), Contains("nowhere/model"));

  const Outcome skipped = shell(folder,
                                "printf 'c1\\tyesterday\\tmilk\\n' >> log.tsv; $recommend train --data log.tsv "
                                "--epochs 1 --skip-bad-lines" +
                                    small);
  CHECK(skipped.status == 0);
  CHECK_THAT(skipped.text, Contains("1 of 161 lines left out") && Contains("log.tsv:161"));

  CHECK_THAT(shell(folder, "$recommend recommend --history nothing").text, Contains("the model knows no item nothing"));
  CHECK_THAT(shell(folder, "$recommend recommend --data log.tsv --skip-bad-lines --user nobody").text,
             Contains("nobody is called nobody"));
  CHECK(shell(folder, "$recommend recommend").status != 0);
  CHECK(shell(folder, "$recommend").status != 0);
  CHECK_THAT(shell(folder, "$recommend recommend --model log.tsv --history milk").text, Contains("log.tsv"));
}

TEST_CASE("one customer, one product, one basket twice", "[examples][recommend]") {
  const temporary::Folder folder;
  const auto trains = [&](const std::string& log) {
    temporary::write_bytes(folder.file("log.tsv"), log);
    const Outcome outcome = shell(folder, "$recommend train --data log.tsv --epochs 2" + small);
    INFO(outcome.text);
    CHECK(outcome.status == 0);
    check_page(folder.file("report.html"));
    return outcome.text;
  };
  const std::string one = "c\t1\ta b\nc\t2\ta\nc\t3\tb\nc\t4\ta\n";
  CHECK_THAT(trains(one), Contains("1 users, 2 items") && Contains("Test, 1 users"));
  CHECK_THAT(trains(one + one), Contains("1 users, 2 items, 10 events"));
  CHECK_THAT(trains("c\t1\ta\nc\t2\ta\nc\t3\ta\nc\t4\ta\nd\t1\ta\n"), Contains("2 users, 1 items"));
}

TEST_CASE("Ctrl-C ends the epoch, saves and says so", "[examples][recommend]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  const Outcome outcome = shell(folder, "$recommend train --data log.tsv --epochs 1000000 --patience 1000000" + small +
                                            "> out 2>&1 & pid=$!; until grep -q 'epoch  2' out; do sleep 0.02; done; "
                                            "kill -INT $pid; wait $pid; status=$?; cat out; exit $status");
  INFO(outcome.text);
  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.text, Contains("Interrupted") && Contains("Wrote model.safetensors and report.html"));
  CHECK(heed::io::load_recommender<float>(folder.file("model.safetensors")).item_ids.size() == 12);
  check_page(folder.file("report.html"));
}
