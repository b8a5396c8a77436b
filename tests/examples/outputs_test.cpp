// SPDX-License-Identifier: Apache-2.0
// The recommend program never loses a training or a file: outputs are checked before the work, the best model so far is
// on the disk, and no output replaces an input, another output or a file of somebody.
#include <catch2/catch.hpp>
#include <filesystem>
#include <string>
#include <vector>

#include "examples/programs.hpp"
#include "heed/io/recommender.hpp"

namespace HEED_TEST_UNIT {

using Catch::Matchers::Contains;

const std::string small = " --data log.tsv --embed-dim 8 --hidden-size 8 --threads 1 ";
const std::string endless = small + "--epochs 1000000 --patience 1000000 ";

/// A folder with log.tsv, which must not change, and notes.txt.
struct Files : temporary::Folder {
  Files() {
    temporary::write_bytes(file("log.tsv"), small_log());
    temporary::write_bytes(file("notes.txt"), "precious");
    temporary::write_bytes(file("names.tsv"), "item_id\tdescription\nmilk\tMILK\n");
  }
};

/// Runs `command` in the background, waits for the second epoch and runs `then`, in which $pid is the program.
Outcome after_two_epochs(const temporary::Folder& folder, const std::string& command, const std::string& then) {
  return shell(folder, command + " > out 2>&1 & pid=$!; until grep -q 'epoch  *2' out; do kill -0 $pid || break; " +
                           "sleep 0.02; done; " + then + "; wait $pid; status=$?; cat out; exit $status");
}

TEST_CASE("an output that is an input, another output or a file of somebody is refused before any work",
          "[examples][outputs]") {
  const Files folder;
  REQUIRE(shell(folder,
                "ln -s log.tsv soft; ln log.tsv hard; ln -s nowhere dangling; mkdir there; mkfifo pipe; "
                "$recommend train --epochs 1 --model old --report old.html --log old.jsonl" +
                    small)
              .status == 0);
  const auto before = shell(folder, "cat log.tsv names.tsv notes.txt old old.html old.jsonl; ls -l").text;
  const auto refused = [&](const std::string& command, const std::string& message) {
    const Outcome outcome = shell(folder, "timeout 20 $recommend " + command);
    INFO(command << "\n" << outcome.text);
    CHECK(outcome.status == 1);
    CHECK_THAT(outcome.text, Contains(message) && !Contains("epoch") && !Contains("heed 0"));
  };
  const std::string train = "train --epochs 1 --items names.tsv" + small;
  for (const std::string path : {"log.tsv", "./log.tsv", "there/../log.tsv", "soft", "hard"}) {
    for (const std::string option : {"--model", "--report", "--log"}) {
      refused(train + option + " " + path, option + ": " + path + " is also the file of --data");
      refused(train + "--force " + option + " " + path, "is also the file of --data");
    }
  }
  refused(train + "--model names.tsv", "--model: names.tsv is also the file of --items");
  refused(train + "--model x --report x", "--report: x is also the file of --model");
  refused(train + "--model x --log there/../x", "is also the file of --model");
  refused(train + "--model there", "--model: there is not a regular file");
  refused(train + "--model pipe", "--model: pipe is not a regular file");
  refused(train + "--log pipe", "--log: pipe is not a regular file");
  refused(train + "--model dangling", "--model: dangling is a link to a file that does not exist");
  refused(train + "--warm-start old --model old", "--model: old is also the file of --warm-start");
  refused(train + "--warm-start pipe", "--warm-start: pipe is not a regular file");
  for (const std::string option : {"--model ", "--report ", "--log "}) {
    refused(train + option + "notes.txt", "notes.txt exists and was not written by heed as such a file: --force");
  }
  refused(train + "--model old.html", "old.html exists and was not written");
  refused(train + "--report old", "old exists and was not written");
  refused(train + "--log old", "old exists and was not written");

  for (const std::string path : {"x", "./x/", "x/y", "there/../x"}) {
    refused(train + "--checkpoint x --model " + path, "--checkpoint: x is or contains the file of --model");
    refused(train + "--checkpoint x/ --report " + path + " --log x/log",
            "--checkpoint: x/ is or contains the file of ");
  }
  refused(train + "--checkpoint . --resume", "--checkpoint: . is or contains the file of ");
  refused(train + "--checkpoint notes.txt --resume", "--checkpoint: notes.txt is not a folder");
  refused(train + "--checkpoint dangling", "--checkpoint: dangling is not a folder");
  refused(train + "--checkpoint notes.txt/x", "--checkpoint: cannot create");
  refused(train + "--checkpoint /proc --resume", "--checkpoint: cannot create");
  refused(train + "--checkpoint /proc/x/y", "--checkpoint: cannot create");

  refused("explain --model old --history milk --report old", "--report: old is also the file of --model");
  refused("explain --model old --data log.tsv --user c1 --report log.tsv", "is also the file of --data");
  refused("explain --model old --history milk --report notes.txt", "notes.txt exists and was not written");
  refused("explain --model pipe --history milk", "--model: pipe is not a regular file");
  refused("recommend --model pipe --history milk", "--model: pipe is not a regular file");
  refused("recommend --model there --history milk", "--model: there is not a regular file");
  refused("evaluate --model pipe --data log.tsv", "--model: pipe is not a regular file");
  refused("evaluate --model old --data there", "--data: there is a directory");
  refused("compare --data log.tsv --report hard", "--report: hard is also the file of --data");
  refused("compare --data log.tsv --page comparison.html", "--page: comparison.html is also the file of --report");
  refused("compare --data log.tsv --page notes.txt", "notes.txt exists and was not written");
  CHECK(shell(folder, "cat log.tsv names.tsv notes.txt old old.html old.jsonl; ls -l").text == before);

  // A file of the same kind is replaced or continued; --force replaces any.
  CHECK(shell(folder, "$recommend " + train + "--model old --report old.html --log old.jsonl").status == 0);
  CHECK_THAT(shell(folder, "cat old.jsonl | wc -l").text, Contains("2"));
  CHECK(shell(folder, "$recommend " + train + "--force --model notes.txt --report old.html").status == 0);
  CHECK(heed::io::load_recommender<float>(folder.file("notes.txt")).catalogue.items.size() == 12);
}

TEST_CASE("a benchmark replaces neither its plan, nor a log, nor a file of somebody", "[examples][outputs]") {
  const Files folder;
  temporary::write_bytes(folder.file("plan.json"), R"({"introduction": "# Results", "data": {"shop": {"title": "Shop",
      "file": "log.tsv", "format": "baskets", "next_basket": true, "protocol": "P."}},
      "runs": [{"data": "shop", "name": "LSTM", "encoder": "lstm4rec", "seeds": 1,
                "set": {"training": {"max_epochs": 1}, "recommender": {"embed_dim": 8}}}]})");
  const auto refused = [&](const std::string& options, const std::string& message) {
    const Outcome outcome = shell(folder, "$recommend benchmark --plan plan.json --threads 1 " + options);
    INFO(options << "\n" << outcome.text);
    CHECK(outcome.status == 1);
    CHECK_THAT(outcome.text, Contains(message) && !Contains("seed 1"));
  };
  refused("--results r --page plan.json", "--page: plan.json is also the file of --plan");
  refused("--results r --page ./log.tsv", "is also the file of data shop of the plan");
  refused("--results r --page r/shop/baselines.json", "is also the file of --results");
  refused("--results r --page notes.txt", "notes.txt exists and was not written");
  refused("--results r --page nowhere/page.md", "nowhere/page.md");
  refused("--results r --page page.md --checkpoint r", "--checkpoint: r is or contains the file of --results");
  refused("--results r --page page.md --checkpoint r/shop",
          "--checkpoint: r/shop is or contains the file of --results");
  refused("--results r --page page.md --checkpoint notes.txt --resume", "--checkpoint: notes.txt is not a folder");
  std::filesystem::create_directories(folder.path / "r/shop");
  temporary::write_bytes(folder.file("r/shop/LSTM-seed1.json"), "{\"mine\": 1}");
  refused("--results r --page page.md", "r/shop/LSTM-seed1.json exists and was not written");
  CHECK(temporary::read_bytes(folder.file("notes.txt")) == "precious");
  const std::string command = "$recommend benchmark --plan plan.json --threads 1 --results s --page page.md";
  REQUIRE(shell(folder, command).status == 0);
  CHECK(shell(folder, command).status == 0);  // replaces its own page
}

TEST_CASE("what would fail after the training fails before it", "[examples][outputs]") {
  const Files folder;
  const auto fails = [&](const std::string& command, const std::string& message) {
    const Outcome outcome = shell(folder, command);
    INFO(command << "\n" << outcome.text);
    CHECK(outcome.status == 1);
    CHECK_THAT(outcome.text, Contains(message) && !Contains("epoch"));
    CHECK_FALSE(std::filesystem::exists(folder.path / "model.safetensors"));
  };
  const std::string train = "$recommend train --epochs 1" + small;
  fails(train + "--model nowhere/m", "nowhere/m");
  fails(train + "--model log.tsv/m", "log.tsv/m");
  fails(train + "--model /proc/m", "/proc/m");
  fails(train + "--report nowhere/r", "nowhere/r");
  fails(train + "--log nowhere/l", "nowhere/l");
  const std::string too_long(256, 'm');
  fails(train + "--model " + too_long, "File name too long");
  fails(train + "--report " + too_long, "File name too long");
  // A full disk: no file may grow beyond a block.
  fails("trap '' XFSZ; ulimit -f 1; " + train, "--model: model.safetensors cannot be written");
  // Ids that no model file can hold.
  temporary::write_bytes(folder.file("log.tsv"), small_log() + "c1\t1400000000\tcaf\xE9\n");
  fails(train, "UTF-8");
  CHECK(folder.entries() == 3);
}

TEST_CASE("the best model so far is on the disk, however the training ends", "[examples][outputs]") {
  for (const std::string signal : {"KILL", "TERM", "HUP", "INT"}) {
    const Files folder;
    const Outcome outcome = after_two_epochs(folder, "$recommend train" + endless, "kill -" + signal + " $pid");
    INFO(signal << "\n" << outcome.text);
    CHECK(outcome.status == (signal == "KILL" ? 128 + 9 : 0));
    CHECK(heed::io::load_recommender<float>(folder.file("model.safetensors")).catalogue.items.size() == 12);
    if (signal == "KILL") continue;
    CHECK_THAT(outcome.text, Contains("Interrupted: 0 of 1 seeds finished") &&
                                 Contains("Wrote model.safetensors and report.html: the model of seed 1, epoch "));
    check_page(folder.file("report.html"));
  }
}

TEST_CASE("a second Ctrl-C ends the program, and the best model so far is on the disk", "[examples][outputs]") {
  const Files folder;
  const Outcome outcome =
      after_two_epochs(folder, "$recommend train" + endless, "kill -INT $pid; kill -INT $pid; kill -INT $pid");
  INFO(outcome.text);
  CHECK((outcome.status == 0 || outcome.status == 128 + 2));  // signals that come together count once
  CHECK(heed::io::load_recommender<float>(folder.file("model.safetensors")).catalogue.items.size() == 12);
}

TEST_CASE("a program started with nohup is not ended by SIGHUP", "[examples][outputs]") {
  const Files folder;
  const Outcome outcome = after_two_epochs(folder, "nohup $recommend train" + endless,
                                           "kill -HUP $pid; sleep 0.2; kill -0 $pid && touch alive; kill -TERM $pid");
  INFO(outcome.text);
  CHECK(std::filesystem::exists(folder.path / "alive"));
}

TEST_CASE("an error in a later epoch leaves the best model, and says so", "[examples][outputs]") {
  const Files folder;
  const Outcome outcome = shell(folder,
                                "$recommend train --encoder sasrec --data log.tsv --embed-dim 8 --threads 1 "
                                "--mode every-position --batch-size 64 --epochs 60 --patience 60 "
                                "--learning-rate 1e12");
  INFO(outcome.text);
  CHECK(outcome.status == 1);
  CHECK_THAT(outcome.text, Contains("the loss is ") && Contains("the model of seed 1, epoch ") &&
                               Contains(" is in model.safetensors\n"));
  CHECK(heed::io::load_recommender<float>(folder.file("model.safetensors")).catalogue.items.size() == 12);
  CHECK_FALSE(std::filesystem::exists(folder.path / "report.html"));
}

TEST_CASE("only finished seeds are averaged, and their number is stated", "[examples][outputs]") {
  const Files folder;
  const Outcome outcome = shell(
      folder, "$recommend train --seeds 3 --epochs 300 --patience 300 --log log.jsonl" + small +
                  "> out 2>&1 & pid=$!; until grep -q '\"seed\":2' log.jsonl 2> /dev/null; do kill -0 $pid || break; "
                  "sleep 0.01; done; kill -INT $pid; wait $pid; status=$?; cat out; exit $status");
  INFO(outcome.text);
  REQUIRE(outcome.status == 0);
  const std::string log = temporary::read_bytes(folder.file("log.jsonl"));
  // The second may have finished before the signal came.
  const bool second = log.find("\"epoch\":300,", log.find("\"seed\":2")) != std::string::npos;
  const std::string finished = std::string(second ? "2" : "1") + " of 3 seeds finished";
  CHECK_THAT(outcome.text, Contains("Interrupted: " + finished + ". The figures are theirs."));
  CHECK(second == (outcome.text.find("attention, 2 seeds") != std::string::npos));
  CHECK_THAT(temporary::read_bytes(folder.file("report.html")), Contains(finished));
}

TEST_CASE("output that cannot be written is an error", "[examples][outputs]") {
  const Files folder;
  if (!std::filesystem::exists("/dev/full")) return;
  const Outcome logged = shell(folder, "$recommend train --epochs 1 --log /dev/full" + small);
  CHECK(logged.status == 1);
  CHECK_THAT(logged.text, Contains("--log: /dev/full cannot be written"));
  const Outcome printed = shell(folder, "$recommend train --epochs 1 > /dev/full" + small);
  CHECK(printed.status == 1);
  CHECK_THAT(printed.text, Contains("standard output: No space left on device"));
  for (const std::string command :
       {"recommend --history milk", "explain --history milk", "evaluate --data log.tsv", "train --help"}) {
    INFO(command);
    CHECK(shell(folder, "$recommend " + command + " > /dev/full").status == 1);
  }
}

}  // namespace HEED_TEST_UNIT
