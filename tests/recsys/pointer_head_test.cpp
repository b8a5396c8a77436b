// SPDX-License-Identifier: Apache-2.0
#include "heed/recsys/pointer_head.hpp"

#include "nn/layers.hpp"
#include "recsys/small_logs.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("PointerHead: the weights over each query's earlier events sum to 1, and the gate is between 0 and 1") {
  recsys::PointerHead<double> head({.state_size = 3, .summary_size = 2, .hidden_size = 5});
  nn::initialize(head, Random(1));
  CHECK(test::names(head) == std::vector<std::string>{"attention.query.weight", "attention.key.weight",
                                                      "attention.key.bias", "attention.score", "gate.weight",
                                                      "gate.bias"});
  const auto log = test::repeat_log(4, 6, 3);
  for (const bool next_basket : {true, false}) {
    const auto batch = test::batch_of_all(log, next_basket);
    const Index queries = batch.query_segments.tokens();
    Tape<double> tape;
    const auto out = head(tape.constant(test::normal<double>({batch.segments.tokens(), 3})),
                          tape.constant(test::normal<double>({queries, 2}, "summary")), batch);
    REQUIRE(out.gate.shape() == Shape{queries, 1});
    for (Index q = 0; q < queries; ++q) {
      CHECK(out.gate.value()(q, 0) > 0);
      CHECK(out.gate.value()(q, 0) < 1);
    }
    Index at = 0;
    for (Index b = 0; b < batch.segments.count(); ++b) {
      for (Index q = batch.query_segments.begin(b); q < batch.query_segments.end(b); ++q) {
        double sum = 0;
        for (Index j = batch.segments.begin(b); j < batch.segments.end(b); ++j, ++at) {
          const double weight = out.weights.value()[at];
          sum += weight;
          if (!next_basket && j > q) CHECK(weight == 0);
        }
        CHECK(sum == Approx(1));
      }
    }
    CHECK(at == out.weights.value().size());
  }
}

}  // namespace HEED_TEST_UNIT
