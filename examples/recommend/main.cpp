// SPDX-License-Identifier: Apache-2.0
// Trains a recommender on a log of interactions, compares it with the baselines, recommends items and explains them.
// `recommend train --help` lists the options of train.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <heed/core/error.hpp>

#include "subcommands.hpp"

int main(int argc, char** argv) {
  CLI::App app("Trains and uses an attention recommender");
  app.require_subcommand(1);
  add_train(app);
  add_evaluate(app);
  add_recommend(app);
  add_explain(app);
  add_compare(app);
  add_benchmark(app);
  try {
    CLI11_PARSE(app, argc, argv);  // runs the subcommand
  } catch (const heed::Error& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "recommend: %s\n", error.what());
    return 1;
  }
  return 0;
}
