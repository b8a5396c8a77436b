// SPDX-License-Identifier: Apache-2.0
#include "heed/autograd/row_updates.hpp"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "heed/autograd/tape.hpp"

namespace HEED_TEST_UNIT {

using namespace heed;

namespace {

/// Records the requested rows.
struct Notes final : RowUpdates {
  void prepare(std::span<const Index> rows) override {
    for (const Index row : rows) text += std::to_string(row) + " ";
  }
  void prepare_all() override { text += "all "; }
  bool all_prepared() const override { return false; }
  std::span<const Index> prepared() override { return {}; }
  bool up_to_date() const override { return current; }

  std::string text;
  bool current = false;
};

}  // namespace

TEST_CASE("a recording tape prepares the rows of a parameter that are read, by default all") {
  Notes notes;
  Parameter<float> table({4, 2});
  table.value() = Tensor<float>::zeros({4, 2});
  table.row_updates() = &notes;
  Tape<float> tape;
  const auto x = tape.parameter(table);
  CHECK(notes.text.empty());
  x.prepare(std::vector<Index>{3, -1, 1});
  CHECK(notes.text == "3 -1 1 ");
  CHECK(x.prepared().data() == table.value().data());
  CHECK(x.prepared().shape() == Shape{4, 2});
  CHECK(notes.text == "3 -1 1 ");
  CHECK(x.value().data() == table.value().data());
  CHECK(notes.text == "3 -1 1 all ");
}

TEST_CASE("a tape that does not record prepares nothing, and refuses a parameter that is not up to date") {
  Notes notes;
  Parameter<float> table({4, 2});
  table.value() = Tensor<float>::zeros({4, 2});
  table.row_updates() = &notes;
  Tape<float> tape({.record = false});
  CHECK_THROWS_WITH(tape.parameter(table),
                    "tape: rows of a parameter are not up to date: call the optimiser's catch_up() before evaluation");
  notes.current = true;
  const auto x = tape.parameter(table);
  x.prepare(std::vector<Index>{1});
  CHECK(x.value().data() == table.value().data());
  CHECK(notes.text.empty());
}

TEST_CASE("preparing rows of a value that is not a parameter has no effect") {
  Tape<float> tape;
  const auto x = tape.constant(Tensor<float>::of({1, 2}));
  x.prepare(std::vector<Index>{0});
  CHECK(x.prepared()[1] == 2);
  CHECK_THROWS_WITH(Var<float>().prepare({}), "var: an empty handle");
  CHECK_THROWS_WITH(Var<float>().prepared(), "var: an empty handle");
}

}  // namespace HEED_TEST_UNIT
