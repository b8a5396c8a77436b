// SPDX-License-Identifier: Apache-2.0
// The subcommands of the program, one per file: each adds its options to `app` and runs when the command line names it.
#pragma once

#include <CLI/CLI.hpp>

void add_train(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_recommend(CLI::App& app);
void add_explain(CLI::App& app);
void add_compare(CLI::App& app);
void add_benchmark(CLI::App& app);
