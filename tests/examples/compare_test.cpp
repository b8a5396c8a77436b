// SPDX-License-Identifier: Apache-2.0
// The subcommand `recommend compare`, run as a program.
#include "examples/programs.hpp"

namespace HEED_TEST_UNIT {

TEST_CASE("compare writes tables of all models and a report with their training curves", "[examples][compare]") {
  using Catch::Matchers::Contains;
  const temporary::Folder folder;
  temporary::write_bytes(folder.file("log.tsv"), small_log());
  const Outcome outcome = shell(folder,
                                "$recommend compare --data log.tsv --epochs 1 --seeds 2 --threads 1 --shares 0.5 1 --lengths 2 "
                                "--lengths-of '^NARM|^LSTM$' --page page.md");
  INFO(outcome.text);
  REQUIRE(outcome.status == 0);
  CHECK_THAT(outcome.text, Contains("Test, 40 users:") && Contains("Does attention help, and on long histories?"));
  // All histories have six events: one of three groups is present, and there are no new users.
  CHECK_THAT(outcome.text, Contains("6-6 items") && !Contains("0-0 items") && !Contains("at most 3 items"));
  CHECK_THAT(outcome.text, Contains("50 % of users") && Contains("events seen"));
  const std::string markdown = temporary::read_bytes(folder.file("page.md"));
  CHECK_THAT(markdown,
             Contains("log.tsv: 40 users, ") && Contains(", at most 1 epochs.") && Contains("| 100 % of users |"));
  CHECK_THAT(markdown, Contains("| NARM, repeat head | 2 |") && Contains("| LSTM | 2 |") &&
                           !Contains("| SASRec, repeat head | 2 |"));
  check_page(folder.file("comparison.html"));
  const std::string page = temporary::read_bytes(folder.file("comparison.html"));
  CHECK_THAT(page, Contains("HSTU, repeat head, seed 2") && Contains("Training loss") && Contains("6-6 items"));

  const Outcome nothing = shell(folder, "$recommend compare --data log.tsv --lengths 2 --lengths-of hstu");
  CHECK(nothing.status == 1);
  CHECK_THAT(nothing.text, Contains("--lengths-of: 'hstu' matches no model") && !Contains("epoch"));
}

}  // namespace HEED_TEST_UNIT
