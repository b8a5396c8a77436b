// SPDX-License-Identifier: Apache-2.0
// `recommend evaluate`: evaluates a trained model and the baselines on a log.
#include <cstdio>
#include <heed/recsys/task.hpp>
#include <memory>
#include <string>

#include "model_file.hpp"
#include "subcommands.hpp"
#include "test_tables.hpp"
#include "threads.hpp"

namespace {

struct Evaluate {
  LogFiles file;
  std::string model = "model.safetensors";
  std::uint64_t seed = 1;
  int threads = 0;

  void run() const {
    Files files;
    files.reads("--model", model, true);
    read_by(files, file);
    const auto executor = make_executor(threads);
    print_banner(*executor);
    const auto saved = load_model(model);
    const Interactions log = read_for(saved, file);
    const heed::recsys::Task task(log, saved.task);
    heed::recsys::BatchRanker<Model> ranker(saved.model,
                                            {.max_length = saved.task.max_length, .executor = executor.get()});
    const heed::recsys::Measured measured{saved.model.encoder_options().choice(),
                                          {heed::recsys::evaluate(log, task.split(), ranker, task.evaluation())}};
    if (measured.evaluations.front().users.empty()) {
      std::printf("The log has no test events\n");
      return;
    }
    show_test(heed::recsys::measure_baselines(task), measured, saved.task.k, seed, nullptr);
  }
};

}  // namespace

void add_evaluate(CLI::App& app) {
  CLI::App& command = *app.add_subcommand("evaluate", "Evaluate a model and the baselines");
  const auto evaluate = std::make_shared<Evaluate>();
  add_log_options(command, evaluate->file);
  add_model_options(command, evaluate->model, evaluate->seed);
  add_threads_option(command, evaluate->threads);
  command.callback([evaluate] { evaluate->run(); });
}
