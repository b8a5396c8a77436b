// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/recurrent_encoder.hpp"

#include "heed/recsys/models/gru4rec.hpp"
#include "recsys/next_item_checks.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;
using recsys::GRU4Rec;
using recsys::LSTM4Rec;

/// The user vector is the layer's last state, or its projection.
template <template <class> class Model>
void check_states(const test::EncoderOptionsOf<Model, double>& options) {
  const auto model = test::made<Model, double>(options);
  const auto batch = test::batch_of_all(test::repeat_log(4, 6, 3), true);
  Tape<double> tape;
  const Tensor<double> states(model.encoder.rnn(model.input.items(tape, batch.items), batch.segments).output.value());
  const auto queries = model.predict(tape, batch).queries.value();
  REQUIRE(queries.shape() == Shape{batch.query_segments.tokens(), 4});
  CHECK(static_cast<bool>(model.encoder.user) == (options.hidden_size != 4));
  for (Index q = 0; q < queries.rows(); ++q) {
    Eigen::VectorXd expected = states.matrix().row(batch.query_rows[static_cast<std::size_t>(q)]).transpose();
    if (model.encoder.user) expected = model.encoder.user->weight.value().matrix() * expected;
    for (Index j = 0; j < 4; ++j) CHECK(queries(q, j) == Approx(expected(j)).epsilon(1e-12));
  }
}

template <template <class> class Model>
void check_all() {
  using Options = test::EncoderOptionsOf<Model, float>;
  // With a projection, and without one.
  for (const Options& options :
       {Options{.hidden_size = 5, .num_layers = 2, .dropout = 0.2}, Options{.hidden_size = 4, .dropout = 0.2}}) {
    INFO("hidden size " << options.hidden_size);
    check_states<Model>(options);
    test::check_gradients<Model>(options);
    test::check_causal<Model>(options);
    test::check_users_apart<Model>(options);
    test::check_steps<Model>(options);
  }
}

TEST_CASE("a GRU as an encoder") { check_all<GRU4Rec>(); }
TEST_CASE("an LSTM as an encoder") { check_all<LSTM4Rec>(); }

TEST_CASE("a recurrent encoder rejects invalid options") {
  CHECK(test::error_of<OptionError>([] { recsys::GruEncoder<float>({.embed_dim = 4, .hidden_size = 0}); }) ==
        "GRU: input_size 4, hidden_size 0, num_layers 1, dropout 0.100000");
}

}  // namespace HEED_TEST_UNIT
