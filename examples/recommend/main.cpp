// SPDX-License-Identifier: Apache-2.0
// Trains a recommender on a log of interactions, compares it with the baselines, recommends items and explains them.
// `recommend train --help` lists the options of train.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <heed/core/error.hpp>
#include <heed/core/printable.hpp>
#include <new>
#include <stdexcept>
#include <string>

#include "subcommands.hpp"

namespace {

int failed(const std::string& what) {
  std::fflush(stdout);
  std::fprintf(stderr, "recommend: %s\n", what.c_str());
  return 1;
}

int run(int argc, char** argv) {
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
    return failed(error.what());
  } catch (const std::bad_alloc&) {
    return failed("not enough memory for these options and files");
  } catch (const std::length_error&) {
    return failed("the options or files ask for more memory than a program can have");
  } catch (const std::exception& error) {  // of JSON, the file system, ..; its text may quote a file
    return failed(heed::printable(error.what(), 1000));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int status = run(argc, argv);
  // Output that was not written, because the disk is full for example, is an error.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    return failed(std::string("standard output: ") + std::strerror(errno));
  }
  return status;
}
