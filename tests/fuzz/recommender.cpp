// SPDX-License-Identifier: Apache-2.0
#include "heed/io/recommender.hpp"

#include "heed/recsys/explain.hpp"
#include "heed/recsys/session.hpp"
#include "input.hpp"
#include "safetensors_mutator.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace heed;
  fuzz::only_errors([&] {
    const auto [model, catalogue, task, checksum, time_unit] = io::load_recommender<float>(fuzz::as_file({data, size}));
    recsys::Session session(model, {.max_length = task.max_length, .exclude_seen = !task.keeps_history()});
    const data::Id kind = model.options().num_kinds > 0 ? 0 : data::Vocabulary::unknown;
    for (const data::Id item : {1, 0, 1}) session.push(item, 0, kind);
    for (const auto& [item, score] : session.top_k(task.k)) fuzz::require(item >= 0 && item < model.num_items());
    Tape tape({.record = false});
    recsys::explain(model, tape, session.history(), {.max_length = task.max_length});
  });
  return 0;
}
