// SPDX-License-Identifier: Apache-2.0
// A resumed training has the same bits with any number of threads, before and after.
#include "heed/openmp.hpp"
#include "heed/recsys/models/sasrec.hpp"
#include "io/resumes.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("a training resumed with another number of threads ends with the same bits") {
  const auto log = test::circle_log(60, 40, 10);
  const recsys::Task task(log, {.next_basket = false, .k = 3});
  recsys::TrainOptions options{.batch_size = 20, .max_epochs = 2, .learning_rate = 0.01, .clip_norm = 1};
  options.lazy_rows = optim::under("items");
  using Kind = recsys::NextItemLoss::Kind;
  for (const auto& [before, after] : {std::pair{1, 2}, {2, 3}, {3, 1}}) {
    for (const Kind kind : {Kind::softmax, Kind::gbce}) {
      INFO(before << " threads, then " << after << ", loss " << enum_name(kind));
      OpenMpExecutor first(before), second(after);
      options.executor = &first;
      resumes::check(
          [&, kind = kind] {
            return std::make_unique<recsys::SASRec<float>>(
                recsys::NextItemOptions{
                    .num_items = 40, .embed_dim = 8, .max_length = 12, .loss = {.kind = kind, .negatives = 5}},
                recsys::SASRecEncoderOptions{.num_blocks = 1, .feedforward_dim = 16});
          },
          task, options, [](Index step) { return step == 2 || step == 3; }, &second);
    }
  }
}

}  // namespace HEED_TEST_UNIT
