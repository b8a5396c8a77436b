// SPDX-License-Identifier: Apache-2.0
// `recommend compare` as a person runs it.
#include "examples/programs.hpp"

namespace HEED_TEST_UNIT {

TEST_CASE("all models side by side, with their curves in a report", "[examples][compare]") {
  using Catch::Matchers::Contains;
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  const Outcome outcome = shell(folder,
                                "$recommend compare --data log.tsv --epochs 1 --seeds 2 --threads 1 --shares 0.5 1 --lengths 2 "
                                "--lengths-of '^NARM|^LSTM$' --page page.md");
  INFO(outcome.text);
  REQUIRE(outcome.status == 0);
  CHECK_THAT(outcome.text, Contains("Test, 40 users:") && Contains("Does attention help, and on long histories?"));
  // All histories are of six events: one group of three is there, and nobody is new.
  CHECK_THAT(outcome.text, Contains("6-6 items") && !Contains("0-0 items") && !Contains("at most 3"));
  CHECK_THAT(outcome.text, Contains("50 % of the users") && Contains("events seen"));
  const std::string markdown = temporary::read_bytes(folder.file("page.md"));
  CHECK_THAT(markdown,
             Contains("log.tsv: 40 users, ") && Contains("epochs at most 1.") && Contains("| 100 % of the users |"));
  CHECK_THAT(markdown, Contains("| NARM, repeat head | 2 |") && Contains("| LSTM | 2 |") &&
                           !Contains("| SASRec, repeat head | 2 |"));
  check_page(folder.file("comparison.html"));
  const std::string page = temporary::read_bytes(folder.file("comparison.html"));
  CHECK_THAT(page, Contains("HSTU, repeat head, seed 2") && Contains("Training loss") && Contains("6-6 items"));

  const Outcome nothing = shell(folder, "$recommend compare --data log.tsv --lengths 2 --lengths-of hstu");
  CHECK(nothing.status == 1);
  CHECK_THAT(nothing.text, Contains("--lengths-of: 'hstu' finds no model") && !Contains("epoch"));
}

}  // namespace HEED_TEST_UNIT
