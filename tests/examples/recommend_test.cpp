// SPDX-License-Identifier: Apache-2.0
// The recommend program on small logs: its subcommands, errors and Ctrl-C.
#include <catch2/catch.hpp>
#include <filesystem>
#include <sstream>
#include <string>

#include "examples/programs.hpp"
#include "heed/io/recommender.hpp"
#include "heed/recsys/configuration.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;

constexpr const char* names = "item_id\tdescription\nmilk\tMILK & <HONEY>\np1\tBREAD\n";
const std::string tiny = " --embed-dim 8 --hidden-size 8 ", small = tiny + "--threads 1 ";

/// Returns `text` from the line that begins with `first`.
std::string from_line(const std::string& text, const std::string& first) {
  const std::size_t at = text.find("\n" + first);
  return at == std::string::npos ? "" : text.substr(at);
}

TEST_CASE("train, evaluate, recommend and explain work on the same model", "[examples][recommend]") {
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
  CHECK_THAT(trained.text, Contains("Deleting the item with the largest attention weight"));
  CHECK_THAT(trained.text, Contains("seconds per epoch: batches"));
  CHECK_THAT(trained.text, Contains("MILK & <HONEY>") && !Contains("\r"));
  CHECK(folder.entries() == 4);  // no temporary file is left
  check_page(folder.file("report.html"));

  const auto saved = heed::io::load_recommender<float>(folder.file("model.safetensors"));
  CHECK(saved.catalogue.items.size() == 12);
  CHECK(saved.catalogue.items.name(saved.catalogue.items.find("milk")) == "MILK & <HONEY>");
  CHECK(saved.task.next_basket);

  // The same data give the same figures.
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

  // A log with an unknown item.
  temporary::write_bytes(folder.file("new.tsv"), small_log() + "c1\t1400000000\tmilk caviar\n");
  const Outcome other = shell(folder, "$recommend evaluate --data new.tsv --threads 1");
  CHECK(other.status == 0);
  CHECK_THAT(other.text, Contains("1 events skipped"));
}

TEST_CASE("with --keep-history repeats of single events are measured and recommended", "[examples][recommend]") {
  const temporary::Folder folder;
  std::ostringstream log;  // all held-out items are in the history
  for (int user = 0; user < 40; ++user) {
    for (const int item : {0, user % 5 + 1, 0, user % 5 + 1, 0}) log << "u" << user << " i" << item << '\n';
  }
  temporary::write_bytes(folder.file("log.txt"), log.str());
  const std::string data = " --data log.txt --format user-item --threads 1";
  const auto run = [&](const std::string& line) {
    const Outcome outcome = shell(folder, "$recommend " + line);
    INFO(outcome.text);
    CHECK(outcome.status == 0);
    return outcome.text;
  };
  const auto lines = [](const std::string& text) { return std::count(text.begin(), text.end(), '\n'); };
  const std::string train = "train --epochs 2" + data + tiny;
  CHECK_THAT(run(train), Contains("The log has no test events") && !Contains("of the history count"));
  CHECK(lines(run("recommend --history i0 i1 -k 6")) == 4);

  const std::string trained = run(train + "--keep-history");
  CHECK_THAT(trained, Contains("the last event from the earlier ones; items of the history count too") &&
                          Contains("personal frequency, then recency") && !Contains("no validation events"));
  const std::string table = from_line(run("evaluate" + data), "Test, 40 users:");
  CHECK_FALSE(table.empty());
  CHECK_THAT(trained, Contains(table));
  CHECK(lines(run("recommend --history i0 i1 -k 6")) == 6);
  CHECK_THAT(run("explain --history i0 i1 -k 6"), Contains(" 6. "));
  CHECK(heed::io::load_recommender<float>(folder.file("model.safetensors")).task.keep_history);

  CHECK_THAT(run("compare --epochs 1 --keep-history" + data),
             Contains("Test, 40 users:") && Contains("personal frequency"));
}

TEST_CASE("a log of invoices has days as baskets, in training and afterwards", "[examples][recommend]") {
  const temporary::Folder folder;
  std::ostringstream log, one;  // two invoices a day
  log << "who,what,when\n", one << "who,what,when\n";
  for (int user = 0; user < 40; ++user) {
    for (int day = 1; day <= 4; ++day) {
      for (const char* time : {"09:30:00", "17:05:00"}) {
        std::ostringstream line;
        line << "u" << user << ",milk,2011-03-0" << day << " " << time << "\nu" << user << ",p" << (7 * user + day) % 11
             << ",2011-03-0" << day << " " << time << "\n";
        log << line.str();
        if (user == 3 && day < 3) one << line.str().substr(line.str().find('\n') + 1);
      }
    }
  }
  temporary::write_bytes(folder.file("log.csv"), log.str());
  temporary::write_bytes(folder.file("one.csv"), one.str());  // nothing shares a time: read as the model's log is
  const std::string columns = " --format csv --user-column who --item-column what --time-column when ",
                    data = " --data log.csv" + columns;
  const auto run = [&](const std::string& line, int status = 0) {
    const Outcome outcome = shell(folder, "$recommend " + line);
    INFO(outcome.text);
    CHECK(outcome.status == status);
    return outcome.text;
  };
  const std::string train = "train --epochs 1 --seed 1" + data + small;
  CHECK_THAT(run(train + "--model other --basket none"),
             Contains(", single events\n") && Contains("the last event from the earlier ones"));
  CHECK_THAT(run(train + "--model other --basket time"),
             Contains(", baskets of one time\n") && Contains("the last basket from the earlier ones"));
  CHECK_THAT(run("explain --user u3 --model other" + data), Contains("(16 items)") && Contains("and 10 items before"));
  CHECK_THAT(run(train + "--mode next-basket --basket none", 1), Contains("--mode: next-basket needs baskets"));

  const std::string trained = run(train);
  CHECK_THAT(trained, Contains("repeats of another on the same day, baskets of one day (--basket none or time for") &&
                          Contains("the last basket from the earlier ones"));
  const std::string table = from_line(run("evaluate --threads 1" + data), "Test, 40 users:");
  CHECK_FALSE(table.empty());
  CHECK_THAT(trained, Contains(table));
  CHECK_THAT(run("explain --user u3" + data), Contains("and 4 items before"));
  CHECK_THAT(run("explain --user u3 --data one.csv" + columns), Contains("(4 items)") && !Contains("items before"));
  CHECK_THAT(run("evaluate --basket time" + data, 1),
             Contains("--data: --basket time: the times of the model's log are days"));
  CHECK_THAT(run("train --warm-start other --model third --epochs 1 --basket day" + data, 1),
             Contains("--warm-start: --basket day: the times of the model's log are not days"));
  CHECK_THAT(run("train --warm-start model.safetensors --model third --epochs 1 --threads 1" + data),
             Contains(", baskets of one day\n"));
}

TEST_CASE("the same seed trains the same model, and several seeds are averaged", "[examples][recommend]") {
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
  // A bool, so that a failure does not print the bytes.
  const auto same = [&](const char* one, const char* other) {
    return temporary::read_bytes(folder.file(one)) == temporary::read_bytes(folder.file(other));
  };
  CHECK(same("a", "b"));
  CHECK_FALSE(same("a", "c"));
  CHECK_THAT(train("--seeds 2 --threads 1"),
             Contains("seed 1\n") && Contains("seed 2\n") && Contains("attention, 2 seeds"));
}

TEST_CASE("every attention trains, without the repeat-aware head and at every position too", "[examples][recommend]") {
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
  for (const auto& [name, options] : heed::recsys::AnyEncoderOptions::choices()) {
    for (const std::string mode : {"next-basket", "every-position"}) {
      const Outcome outcome =
          shell(folder, "$recommend train --data log.tsv --epochs 1 --embed-dim 8 --threads 1 --mode " + mode +
                            " --encoder " + name + " --log log.jsonl");
      INFO(outcome.text);
      CHECK(outcome.status == 0);
      const auto saved = heed::io::load_recommender<float>(folder.file("model.safetensors"));
      CHECK(saved.model.encoder_options().choice() == name);
    }
  }
  const std::string log = temporary::read_bytes(folder.file("log.jsonl"));
  CHECK(std::count(log.begin(), log.end(), '\n') == std::ssize(heed::recsys::AnyEncoderOptions::choices()) * 2);
  const auto line = nlohmann::json::parse(log.substr(0, log.find('\n')));
  for (const char* phase : {"batches", "forward", "backward", "update", "validation"}) {
    CHECK(line.at("seconds").at(phase).get<double>() > 0);
  }
}

TEST_CASE("options are set by path, and errors name the option", "[examples][recommend]") {
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
  CHECK_THAT(train("--set recommender.loss.kind=guess").text,
             Contains("recommender.loss.kind is \"guess\", wanted softmax|sampled_softmax|bce|gbce"));
  CHECK_THAT(train("--set encoder.num_blocks=many").text, Contains("encoder.num_blocks is \"many\""));
  CHECK_THAT(train("--set encoder.num_blocks=2.9").text, Contains("encoder.num_blocks is 2.9"));
  CHECK_THAT(train("--set encoder.num_blocks=true").text, Contains("encoder.num_blocks is true"));
  CHECK_THAT(train("--set recommender.max_length=7").text, Contains("recommender.max_length follows task.max_length"));
  CHECK_THAT(train("--set encoder.num_blocks").text, Contains("encoder.num_blocks is not name=value"));
  CHECK_THAT(train("--help").text, Contains("encoder.norm=pre  (pre|post|query)") &&
                                       Contains("training.decay=constant  (constant|cosine|step)"));
  CHECK(train("--set encoder.dropout=0 task.max_length=7").status == 0);
  CHECK(heed::io::load_recommender<float>(folder.file("model.safetensors")).model.max_length() == 7);
}

TEST_CASE("a warm start continues with new items, kinds and categories", "[examples][recommend]") {
  const temporary::Folder folder;
  const auto log = [](bool today) {
    std::ostringstream out;
    out << "user_id,item_id,when,what\n";
    for (int user = 0; user < 40; ++user) {
      for (int t = 0; t < 5; ++t) {
        out << 'u' << user << ",i" << (today && t == 3 ? 7 + user % 2 : (user + t) % 7) << ',' << t << ','
            << (t % 2 ? "bought" : "viewed") << '\n';
      }
      if (today) out << 'u' << user << ",i0,9,liked\n";
    }
    return out.str();
  };
  const auto table = [](int items) {
    std::string out = "item_id\tdescription\tcategory\n";
    for (int i = 0; i < items; ++i) {
      out += "i" + std::to_string(i) + "\tITEM " + std::to_string(i) + "\t" + (i < 7 ? "old" : "new") + "\n";
    }
    return out;
  };
  temporary::write_bytes(folder.file("yesterday.csv"), log(false));
  temporary::write_bytes(folder.file("today.csv"), log(true));
  temporary::write_bytes(folder.file("old.tsv"), table(7));
  temporary::write_bytes(folder.file("items.tsv"), table(9));
  const std::string columns = " --format csv --time-column when --kind-column what --feature-column category ";
  const auto train = [&](const std::string& options) {
    const Outcome outcome =
        shell(folder, "$recommend train --threads 1 --batch-size 8 --learning-rate 0.02" + columns + options);
    INFO(outcome.text);
    REQUIRE(outcome.status == 0);
    return outcome.text;
  };
  const auto first_loss = [&](const char* file) {
    const std::string text = temporary::read_bytes(folder.file(file));
    return nlohmann::json::parse(text.substr(0, text.find('\n'))).at("loss").get<double>();
  };
  train("--data yesterday.csv --items old.tsv --encoder sasrec --embed-dim 8 --epochs 30 --patience 30 --model old");
  const auto old = heed::io::load_recommender<float>(folder.file("old"));
  CHECK(old.model.options().num_kinds == 2);
  CHECK(old.catalogue.kinds.text(0) == "viewed");
  CHECK(old.model.options().num_features == 1);

  CHECK_THAT(train("--data today.csv --items items.tsv --warm-start old --epochs 1 --log warm.jsonl"),
             Contains("Continues from 7 items: 0 of them are not in this log, 2 of its 9 items are new"));
  const auto today = heed::io::load_recommender<float>(folder.file("model.safetensors"));
  CHECK(today.model.encoder_options().choice() == "sasrec");
  CHECK(today.model.options().embed_dim == 8);
  CHECK(today.catalogue.items.size() == 9);
  CHECK(today.catalogue.items.text(0) == old.catalogue.items.text(0));
  CHECK(today.catalogue.kinds.size() == 3);
  CHECK(today.catalogue.kinds.text(1) == old.catalogue.kinds.text(1));
  CHECK(today.catalogue.features.names.size() == 2);
  CHECK(today.model.input.item_features()[static_cast<std::size_t>(today.catalogue.items.find("i8"))] == 1);
  train("--data today.csv --items items.tsv --encoder sasrec --embed-dim 8 --epochs 1 --log cold.jsonl --model cold");
  CHECK(first_loss("warm.jsonl") < 0.9 * first_loss("cold.jsonl"));

  // Items that the log lacks stay, and so do their categories; events of an unknown kind are skipped.
  CHECK_THAT(train("--data yesterday.csv --items old.tsv --warm-start model.safetensors --epochs 1 --model back"),
             Contains("Continues from 9 items: 2 of them are not in this log, 0 of its 7 items are new"));
  const auto back = heed::io::load_recommender<float>(folder.file("back"));
  CHECK(back.catalogue.items.size() == 9);
  CHECK(back.model.input.item_features()[static_cast<std::size_t>(back.catalogue.items.find("i8"))] == 1);
  const Outcome evaluated =
      shell(folder, "$recommend evaluate --threads 1 --model old --data today.csv --items items.tsv" + columns);
  CHECK(evaluated.status == 0);
  CHECK_THAT(evaluated.text, Contains("the model does not have their items") &&
                                 Contains("40 events skipped: the model does not have their kinds"));
  CHECK(shell(folder, "$recommend recommend --model model.safetensors --data today.csv --user u3" + columns +
                          "--items items.tsv")
            .status == 0);
  CHECK(shell(folder, "$recommend train --data today.csv --warm-start old --encoder narm" + columns).status != 0);

  // Weights that cannot be kept are an error.
  const auto fails = [&](const std::string& options) {
    const Outcome outcome = shell(folder,
                                  "$recommend train --threads 1 --format csv --time-column when --data today.csv "
                                  "--epochs 1 --report none.html --model none " +
                                      options);
    CHECK(outcome.status == 1);
    CHECK_FALSE(std::filesystem::exists(folder.path / "none"));
    return outcome.text;
  };
  const std::string kinds = "--kind-column what ", categories = "--items items.tsv --feature-column category ";
  const std::string wants_kinds = "the model uses kinds of event, which requires a log with --kind-column";
  CHECK_THAT(fails(categories + "--warm-start old"), Contains("--warm-start: " + wants_kinds));
  CHECK_THAT(fails(kinds + "--warm-start old"),
             Contains("the model uses categories of items, which requires --items with --feature-column"));
  CHECK_THAT(fails(kinds + categories + "--warm-start old --max-length 100"),
             Contains("encoder.positions.weight would be [100, 8], is [200, 8]") && !Contains("items.weight"));
  CHECK_THAT(fails(kinds + categories + "--warm-start old --embed-dim 4"),
             Contains("\n  items.weight would be [9, 4], is [7, 8]"));
  CHECK_THAT(fails(kinds + categories + "--warm-start old --blocks 3"), Contains("would be [8, 8], is none"));

  const std::string today_log = " --model old --data today.csv --format csv --time-column when ";
  CHECK_THAT(shell(folder, "$recommend evaluate" + today_log).text, Contains("--data: " + wants_kinds));
  CHECK_THAT(shell(folder, "$recommend explain --user u3" + today_log).text, Contains("--data: " + wants_kinds));
  CHECK_THAT(shell(folder, "$recommend recommend --history i3" + today_log + kinds).text,
             Contains("--history: " + wants_kinds));
  CHECK_THAT(shell(folder, "$recommend explain --model old --history i3").text, Contains("--history: " + wants_kinds));

  // A file without names of kinds (a library may write one) cannot be matched with a log.
  auto unnamed = heed::io::load_recommender<float>(folder.file("old"));
  heed::data::Catalogue partly = unnamed.catalogue;
  partly.features.names = {};
  heed::io::save_recommender(unnamed.model, partly, unnamed.task, folder.file("half"));
  partly.kinds = {};
  heed::io::save_recommender(unnamed.model, partly, unnamed.task, folder.file("unnamed"));
  CHECK_THAT(fails(kinds + categories + "--warm-start unnamed"), Contains("does not name its kinds of event"));
  CHECK_THAT(fails(kinds + categories + "--warm-start half"), Contains("does not name its categories of items"));
  CHECK_THAT(
      shell(folder, "$recommend recommend --user u3 --model unnamed --data today.csv --format csv " + kinds).text,
      Contains("does not name its kinds of event"));
}

TEST_CASE("every profile of SASRec trains, for the next basket and at every position", "[examples][recommend]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  for (const auto& [name, profile] : heed::recsys::sasrec_profiles()) {
    for (const std::string mode : {"next-basket", "every-position"}) {
      const Outcome outcome =
          shell(folder, "$recommend train --data log.tsv --epochs 1 --threads 1 --mode " + mode + " --profile " + name);
      INFO(outcome.text);
      REQUIRE(outcome.status == 0);
      const auto saved = heed::io::load_recommender<float>(folder.file("model.safetensors"));
      auto wanted = heed::io::to_json(profile.model);
      wanted["num_items"] = 12;
      CHECK(heed::io::to_json(saved.model.options()) == wanted);
    }
  }
}

TEST_CASE("a split by time tests users without a history", "[examples][recommend]") {
  const temporary::Folder folder;
  std::string log;
  const auto add = [&](const std::string& user, int day, int item) {
    log += user + '\t' + std::to_string(1300000000 + 86400 * day) + "\tmilk p" + std::to_string(item) + '\n';
  };
  for (int user = 0; user < 20; ++user) {
    for (int day = 0; day < 6; ++day) add("old" + std::to_string(user), day, day);
  }
  for (int user = 0; user < 10; ++user) {
    for (int day = 9; day < 11; ++day) add("new" + std::to_string(user), day, day);
  }
  temporary::write_bytes(folder.file("log.tsv"), log);
  for (int user = 0; user < 20; ++user) {
    for (int day = 30; day < 32; ++day) add("old" + std::to_string(user), day, 10);
  }
  temporary::write_bytes(folder.file("grown.tsv"), log);
  for (const std::string options : {"", "--mode every-position", "--encoder sasrec"}) {
    const Outcome trained = shell(folder,
                                  "$recommend train --data log.tsv --split-by-time 0.72,0.86 --epochs 2 --threads 1 "
                                  "--embed-dim 8 " +
                                      options);
    INFO(trained.text);
    REQUIRE(trained.status == 0);
    CHECK_THAT(trained.text,
               Contains("task: the events from 2011-03-22 on from the earlier ones; validation from 2011-03-18 on"));
    CHECK_THAT(trained.text, Contains("Test, 10 users") && Contains("history (0 items)"));
    check_page(folder.file("report.html"));
    const std::string table = from_line(trained.text, "Test, 10 users:"), evaluate = "$recommend evaluate --threads 1 ";
    CHECK_THAT(shell(folder, evaluate + "--data log.tsv").text, Contains(table.substr(0, table.find("\nCustomer"))));
    // The model stores the dates of the split; the same shares of the grown log would test no new users.
    CHECK_THAT(shell(folder, evaluate + "--data grown.tsv").text, Contains("Test, 30 users"));
  }
  const auto fails = [&](const std::string& shares) {
    const Outcome outcome = shell(folder, "$recommend train --data log.tsv --epochs 1 --split-by-time " + shares);
    CHECK(outcome.status != 0);
    return outcome.text;
  };
  CHECK_THAT(fails("0.9,0.8"), Contains("is later than test_time"));
  CHECK_THAT(fails("0.9,1.8"), Contains("quantile 1.8"));
  CHECK_THAT(fails("0.9"), Contains("--split-by-time"));
}

TEST_CASE("a log in seconds, in milliseconds or of dates trains the same model", "[examples][recommend]") {
  const temporary::Folder folder;
  const auto write = [&](const char* file, const std::string& fraction, bool dates) {
    std::string log = small_log();
    for (int day = 0; day < 4; ++day) {
      const std::string seconds = std::to_string(1300000000 + 86400 * day);
      const std::string time = dates ? "2011-03-1" + std::to_string(3 + day) + " 07:06:40" : seconds + fraction;
      for (std::size_t at = 0; (at = log.find(seconds, at)) != std::string::npos; at += time.size()) {
        log.replace(at, seconds.size(), time);
      }
    }
    temporary::write_bytes(folder.file(file), log);
  };
  write("seconds", "", false);
  write("milliseconds", "000", false);
  write("dates", "", true);
  write("fractions", ".25", false);
  std::string before;
  for (const std::string log : {"seconds", "milliseconds", "dates"}) {
    const Outcome trained = shell(folder, "$recommend train --epochs 1 --split-by-time 0.5,0.75 --data " + log +
                                              " --model " + log + ".model" + small);
    INFO(trained.text);
    REQUIRE(trained.status == 0);
    CHECK_THAT(trained.text,
               Contains("task: the events from 2011-03-16 on from the earlier ones; validation from 2011-03-15 on"));
    const std::string why =
        shell(folder, "$recommend explain --user c3 --data " + log + " --model " + log + ".model").text;
    CHECK_THAT(why, Contains("2011-03-16  "));
    if (!before.empty()) CHECK(why == before);
    before = why;
    CHECK(shell(folder, "$recommend evaluate --data milliseconds --model " + log + ".model").status == 0);
  }
  const auto fails = [&](const std::string& line) {
    const Outcome outcome = shell(folder, "$recommend " + line);
    CHECK(outcome.status == 1);
    return outcome.text;
  };
  CHECK_THAT(fails("evaluate --data fractions --model seconds.model"),
             Contains("the log's time 2011-03-13 07:06:40.25 (130000000025 in 10^-2 seconds) is not a 64-bit whole"));
  CHECK_THAT(fails("train --data dates --epochs 1 --split-by-time 0.5,0.6"),
             Contains("no event is between the shares 0.5") && Contains("both begin at 2011-03-15 07:06:40"));
  CHECK(shell(folder, "grep -v 2011-03-16 dates > old").status == 0);
  CHECK_THAT(
      fails("evaluate --data old --model dates.model"),
      Contains(
          "no events from test_time 2011-03-16 07:06:40 on; its times are from 2011-03-13 07:06:40 (1300000000) to "
          "2011-03-15 07:06:40 (1300172800), in seconds"));
}

TEST_CASE("a benchmark is completed over several invocations", "[examples][recommend]") {
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
  // A title belongs to the page only; another log requires new runs and new baselines.
  const auto with = [&](const std::string& edit) {
    return shell(folder, "sed -i '" + edit + "' plan.json; " + command);
  };
  CHECK_THAT(with("s/Shop/Store/").text, !Contains("seed"));
  CHECK_THAT(temporary::read_bytes(folder.file("page.md")), Contains("## Store") && Contains("320 events"));
  temporary::write_bytes(folder.file("other.tsv"), small_log() + "c1\t1400000000\tmilk\n");
  CHECK_THAT(with("s/log.tsv/other.tsv/").text,
             Contains("shop/LSTM-seed1.json does not match the plan:\n  data.file is \"log.tsv\", the plan says "
                      "\"other.tsv\"\nshop/LSTM, seed 1\n") &&
                 Contains("shop/LSTM, seed 2\n") && Contains("results/shop/baselines.json does not match the plan:"));
  CHECK_THAT(temporary::read_bytes(folder.file("page.md")), Contains("321 events"));
  CHECK_THAT(shell(folder, command + "--only '('").text, Contains("benchmark: "));
  CHECK_THAT(shell(folder, "$recommend benchmark --plan nowhere.json").text, Contains("nowhere.json"));
}

TEST_CASE("a benchmark writes separate tables of clicks, costs and deletion tests", "[examples][recommend]") {
  const temporary::Folder folder;
  std::string lines;
  for (int user = 0; user < 30; ++user) {
    for (int t = 0; t < 8; ++t) lines += std::to_string(user) + " " + std::to_string((user * 5 + t) % 23) + "\n";
  }
  temporary::write_bytes(folder.file("log.txt"), lines);
  temporary::write_bytes(folder.file("plan.json"), R"({"introduction": "# Results",
      "data": {"films": {"title": "Films", "file": "log.txt", "format": "user-item", "next_basket": false, "protocol": "P."}},
      "runs": [{"data": "films", "name": "a-sasrec", "title": "A SASRec", "encoder": "sasrec", "seeds": 1, "set": {"training": {"max_epochs": 2}}},
               {"data": "films", "name": "a-gru", "title": "A GRU", "encoder": "gru4rec", "seeds": 1, "set": {"training": {"max_epochs": 2}}},
               {"data": "films", "name": "a-din", "title": "A DIN", "model": "din", "seeds": 2, "set": {"training": {"max_epochs": 2}}}]})");
  const std::string command = "$recommend benchmark --plan plan.json --results results --page page.md --threads 1 ";
  const Outcome outcome = shell(folder, command);
  INFO(outcome.text);
  REQUIRE(outcome.status == 0);
  const std::string page = temporary::read_bytes(folder.file("page.md"));
  INFO(page);
  const auto part = [&](const std::string& from, const std::string& to) {
    const std::size_t begin = page.find(from);
    REQUIRE(begin != std::string::npos);
    return page.substr(begin, page.find(to, begin) - begin);
  };
  const std::string ranking = part("| HR@10", "Click prediction"), clicks = part("| AUC", "Seconds per"),
                    costs = part("Seconds per", "Deletion test"), reasons = part("Deletion test", "\n## ");
  CHECK_THAT(ranking, Contains("| Markov chain |") && Contains("| A SASRec |") && !Contains("DIN"));
  CHECK_THAT(clicks, Contains("| Markov chain |") && Contains("| A SASRec |") && Contains("| A DIN |"));
  CHECK_THAT(clicks, Contains(" ± "));
  CHECK_THAT(costs, Contains("| batches | forward | backward | update | validation |") && Contains("| A GRU |"));
  CHECK_THAT(reasons, Contains("| A SASRec |") && !Contains("GRU") && !Contains("DIN"));  // without attention, no row
  CHECK_THAT(shell(folder, "sed -i 's/\"din\"/\"dim\"/' plan.json; " + command).text,
             Contains("there is no model dim"));
}

TEST_CASE("Ctrl-C ends a benchmark without a result or a page", "[examples][recommend]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  temporary::write_bytes(folder.file("plan.json"), R"({"introduction": "# Results",
      "data": {"shop": {"title": "Shop", "file": "log.tsv", "format": "baskets", "next_basket": true, "protocol": "P."}},
      "runs": [{"data": "shop", "name": "LSTM", "encoder": "lstm4rec", "seeds": 2,
                "set": {"training": {"max_epochs": 1000000, "patience": 1000000}, "recommender": {"embed_dim": 8}}}]})");
  const Outcome outcome =
      shell(folder,
            "$recommend benchmark --plan plan.json --results results --page page.md --threads 1 > out 2>&1 & pid=$!; "
            "until grep -q 'epoch   2' out; do sleep 0.02; done; kill -INT $pid; wait $pid; status=$?; cat out; "
            "exit $status");
  INFO(outcome.text);
  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.text, Contains("Interrupted") && !Contains("seed 2"));
  CHECK(folder.entries() == 4);  // log, plan, out and a folder of results, without a result: no page
  CHECK(std::filesystem::is_empty(folder.path / "results" / "shop"));
}

TEST_CASE("logs of other formats are read, compressed too", "[examples][recommend]") {
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

TEST_CASE("a user without a known item gets the popular items, with a message", "[examples][recommend]") {
  const temporary::Folder folder;
  std::string log;
  for (int user = 0; user < 8; ++user) {
    for (int t = 0; t < 5; ++t) log += std::to_string(user) + " " + std::to_string((user + t) % 6) + "\n";
    log += std::to_string(user) + " popular\n" + std::to_string(user) + " 5\n" + std::to_string(user) + " 4\n";
  }
  temporary::write_bytes(folder.file("log.txt"), log);
  temporary::write_bytes(folder.file("stranger.txt"), "stranger unheard\n");
  const std::string format = " --format user-item --data ";
  REQUIRE(shell(folder, "$recommend train --epochs 1" + small + format + "log.txt").status == 0);
  const Outcome best = shell(folder, "$recommend recommend --top 2 --user stranger" + format + "stranger.txt");
  INFO(best.text);
  CHECK(best.status == 0);
  CHECK_THAT(best.text, Contains("there is no history") && Contains("the most popular items\npopular "));
}

TEST_CASE("errors name file and line, and nothing is written", "[examples][recommend]") {
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
  CHECK_THAT(skipped.text, Contains("1 of 161 lines skipped") && Contains("log.tsv:161"));

  CHECK_THAT(shell(folder, "$recommend recommend --history nothing").text, Contains("the model has no item nothing"));
  CHECK_THAT(shell(folder, "$recommend recommend --data log.tsv --skip-bad-lines --user nobody").text,
             Contains("the log has no user nobody"));
  CHECK_THAT(shell(folder, "$recommend train --data log.tsv --kind-column what").text,
             Contains("--kind-column: the format baskets has no such option"));
  CHECK(shell(folder, "$recommend recommend").status != 0);
  CHECK(shell(folder, "$recommend").status != 0);
  CHECK_THAT(shell(folder, "$recommend recommend --model log.tsv --history milk").text, Contains("log.tsv"));
}

TEST_CASE("logs of one customer, of one product and with a repeated basket train", "[examples][recommend]") {
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

TEST_CASE("Ctrl-C ends a training, which saves its model and reports the interruption", "[examples][recommend]") {
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  const Outcome outcome = shell(folder, "$recommend train --data log.tsv --epochs 1000000 --patience 1000000" + small +
                                            "> out 2>&1 & pid=$!; until grep -q 'epoch  2' out; do sleep 0.02; done; "
                                            "kill -INT $pid; wait $pid; status=$?; cat out; exit $status");
  INFO(outcome.text);
  CHECK(outcome.status == 0);
  CHECK_THAT(outcome.text, Contains("Interrupted") && Contains("Wrote model.safetensors and report.html"));
  CHECK(heed::io::load_recommender<float>(folder.file("model.safetensors")).catalogue.items.size() == 12);
  check_page(folder.file("report.html"));
}

}  // namespace HEED_TEST_UNIT
