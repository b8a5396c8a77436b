// SPDX-License-Identifier: Apache-2.0
#include "heed/optim/group.hpp"

#include <catch2/catch.hpp>

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("under matches a part of a model and everything below it, but no longer name with the same beginning") {
  const auto matches = [](const char* path, std::string_view name) { return optim::under(path)(name, Shape{}); };
  CHECK(matches("encoder", "encoder.weight_ih_l0"));
  CHECK(matches("encoder.bias", "encoder.bias"));
  CHECK(matches("", "encoder.bias"));
  CHECK(!matches("encoder", "encoder2.weight"));
  CHECK(!matches("encoder", "decoder.encoder.weight"));
  CHECK(!matches("encoder.bias", "encoder"));
}

TEST_CASE("no_decay_on_vectors matches biases and norms") {
  const optim::Group group = optim::no_decay_on_vectors();
  CHECK(group.matches("linear.bias", {64}));
  CHECK(group.matches("norm.weight", {64}));
  CHECK(!group.matches("linear.weight", {1, 64}));
  CHECK(group.weight_decay == 0.0);
  CHECK(!group.frozen);
  CHECK(group.learning_rate_scale == 1.0);
}

TEST_CASE("frozen makes a group that is not updated") {
  const optim::Group group = optim::frozen("encoder");
  CHECK(group.frozen);
  CHECK(group.matches("encoder.weight", {2, 2}));
  CHECK(!group.matches("head.weight", {2, 2}));
}

}  // namespace HEED_TEST_UNIT
