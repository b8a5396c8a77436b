// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/models/narm.hpp"

#include "recsys/next_item_checks.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::NARM;
using Names = std::vector<std::string>;

const recsys::NarmEncoderOptions small{.hidden_size = 5, .dropout = 0.2, .context_dropout = 0.3};

TEST_CASE("NARM: parameter names and sizes") {
  NARM<float> model({.num_items = 9, .embed_dim = 4}, {.hidden_size = 6});
  CHECK(test::names(model) == Names{"items.weight", "encoder.gru.weight_ih_l0", "encoder.gru.weight_hh_l0",
                                    "encoder.gru.bias_ih_l0", "encoder.gru.bias_hh_l0",
                                    "encoder.attention.query.weight", "encoder.attention.key.weight",
                                    "encoder.attention.key.bias", "encoder.attention.score", "encoder.user.weight"});
  CHECK(nn::parameter_count(model) == 9 * 4 + 18 * (4 + 6 + 2) + 6 * (6 + 6 + 2) + 12 * 4);
}

TEST_CASE("NARM is the paper's: v . sigmoid(A1 h_t + A2 h_j), softmax, concatenation of h_t and sum alpha_j h_j, B") {
  auto model = test::made<NARM, double>(small);
  nn::init_constant(model.encoder.attention.key.bias, 0);
  const Eigen::MatrixXd A1 = 2 * model.encoder.attention.query.weight.value().matrix();
  const Eigen::MatrixXd A2 = 2 * model.encoder.attention.key.weight.value().matrix();
  const Eigen::RowVectorXd v = 2 * model.encoder.attention.score.value().matrix();
  const auto batch = test::batch_of_all(test::repeat_log(4, 6, 3), false);
  Tape<double> tape;
  const Tensor<double> states(model.encoder.gru(model.input.items(tape, batch.items), batch.segments).output.value());
  const auto h = states.matrix();
  const auto out = model.predict(tape, batch, true);
  Index weight = 0;
  for (Index b = 0; b < batch.segments.count(); ++b) {
    const Index begin = batch.segments.begin(b), end = batch.segments.end(b);
    for (Index t = begin; t < end; ++t) {
      Eigen::VectorXd alpha(t + 1 - begin);
      for (Index j = begin; j <= t; ++j) {
        const Eigen::VectorXd inside = A1 * h.row(t).transpose() + A2 * h.row(j).transpose();
        alpha(j - begin) = std::exp(v * (1 / (1 + (-inside.array()).exp())).matrix());
      }
      alpha /= alpha.sum();
      Eigen::VectorXd both(2 * h.cols());
      both << h.row(t).transpose(), h.middleRows(begin, t + 1 - begin).transpose() * alpha;
      const Eigen::VectorXd user = model.encoder.user.weight.value().matrix() * both;
      for (Index j = 0; j < user.size(); ++j) CHECK(out.queries.value()(t, j) == Approx(user(j)).epsilon(1e-12));
      for (Index j = begin; j < end; ++j, ++weight) {
        CHECK(out.attention.value()[weight] == (j <= t ? Approx(alpha(j - begin)).epsilon(1e-12) : Approx(0)));
      }
    }
  }
}

TEST_CASE("NARM: the gradient of the whole loss is correct") { test::check_gradients<NARM>(small); }

TEST_CASE("NARM learns the next item on a circle") {
  test::check_learns<NARM>({.hidden_size = 16, .dropout = 0, .context_dropout = 0});
}

TEST_CASE("NARM: scores do not depend on later events") { test::check_causal<NARM>(small); }

TEST_CASE("NARM: scores do not depend on other users of the batch") { test::check_users_apart<NARM>(small); }

TEST_CASE("NARM: training steps") { test::check_steps<NARM>(small); }

TEST_CASE("NARM rejects invalid options") {
  const auto wrong = [](const recsys::NarmEncoderOptions& options) {
    return test::error_of<OptionError>([&] { NARM<float>({.num_items = 9, .embed_dim = 4}, options); });
  };
  CHECK(wrong({.hidden_size = 0}) == "GRU: input_size 4, hidden_size 0, num_layers 1, dropout 0.250000");
  CHECK(wrong({.context_dropout = 1}) == "NARM: context_dropout 1.000000 is not in [0, 1)");
}

}  // namespace HEED_TEST_UNIT
