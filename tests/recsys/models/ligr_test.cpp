// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/ligr.hpp"

#include "recsys/next_item_checks.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::LiGR;
using recsys::LiGREncoder;
using recsys::LiGREncoderOptions;
using Names = std::vector<std::string>;

const LiGREncoderOptions small{.num_heads = 2, .feedforward_dim = 5, .dropout = 0.2};

TEST_CASE("LiGR: parameter names and sizes") {
  LiGREncoder<float> encoder({.embed_dim = 4, .num_blocks = 1, .max_length = 5});
  CHECK(test::names(encoder) ==
        Names{"positions.weight", "blocks.0.self_attn.in_proj_weight", "blocks.0.self_attn.in_proj_bias",
              "blocks.0.self_attn.out_proj.weight", "blocks.0.self_attn.out_proj.bias", "blocks.0.gate1.weight",
              "blocks.0.gate1.bias", "blocks.0.linear1.weight", "blocks.0.linear2.weight", "blocks.0.gate2.weight",
              "blocks.0.gate2.bias", "blocks.0.norm1.weight", "blocks.0.norm1.bias", "blocks.0.norm2.weight",
              "blocks.0.norm2.bias", "norm.weight", "norm.bias"});
  CHECK(encoder.blocks[0].linear1.weight.shape() == Shape{32, 4});
  CHECK(encoder.width() == 4);
  CHECK(encoder.state_size() == 4);
  LiGR<float> model({.num_items = 9, .embed_dim = 4, .max_length = 7}, {.feedforward_dim = 5});
  CHECK(model.encoder.positions->table.weight.shape() == Shape{7, 4});
  CHECK(model.encoder.blocks.size() == 2);
  CHECK(model.encoder.blocks[1].linear2.weight.shape() == Shape{4, 5});
}

TEST_CASE("LiGR: the gradient of the whole loss is correct") { test::check_gradients<LiGR>(small); }

TEST_CASE("LiGR learns the next item on a circle") { test::check_learns<LiGR>({.num_heads = 2, .dropout = 0}); }

TEST_CASE("LiGR: scores do not depend on later events") { test::check_causal<LiGR>(small); }

TEST_CASE("LiGR: scores do not depend on other users of the batch") { test::check_users_apart<LiGR>(small); }

TEST_CASE("LiGR: training steps") { test::check_steps<LiGR>(small); }

}  // namespace HEED_TEST_UNIT
