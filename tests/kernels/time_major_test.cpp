// SPDX-License-Identifier: Apache-2.0
#include "heed/kernels/time_major.hpp"

#include <catch2/catch.hpp>
#include <vector>

namespace HEED_TEST_UNIT {

using namespace heed;

TEST_CASE("a step's rows of an empty array are empty") {
  const kernels::TimeStep step{.t = 1, .first = 3, .rows = 2};
  std::vector<float> x(14);
  CHECK(step.of(MatrixView<float>(x.data(), {7, 2})).data() == x.data() + 6);
  CHECK(step.of(MatrixView<float>(x.data(), {7, 2})).rows() == 2);
  CHECK(!step.of(MatrixView<float>()));
}

TEST_CASE("the time-major order holds every token once, step by step") {
  for (const bool reverse : {false, true}) {
    for (const auto& lengths : {std::vector<Index>{}, {0}, {0, 0}, {3, 0, 5, 5, 1}, std::vector<Index>(70, 2)}) {
      const Segments segments{std::span<const Index>(lengths)};
      kernels::TimeMajor order{.segments = segments.view(), .reverse = reverse};
      std::vector<Index> source(static_cast<std::size_t>(segments.tokens()), -1);
      std::vector<Index> first(static_cast<std::size_t>(order.groups() + 1), -1);
      order.source = source.data();
      order.first = first.data();
      order.arrange();

      std::vector<bool> seen(source.size(), false);
      Index members = 0;
      CHECK(first.front() == 0);
      CHECK(first.back() == segments.tokens());
      for (Index group = 0; group < order.groups(); ++group) {
        CHECK(order.members(group) <= kernels::TimeMajor::group_size);
        members += order.members(group);
        Index row = first[static_cast<std::size_t>(group)];
        Index rows = order.members(group);
        for (Index t = 0; (rows = order.alive(group, rows, t)) > 0; ++t) {
          for (Index r = 0; r < order.members(group); ++r) {
            const Index s = order.member(group, r);
            CHECK((r < rows) == (segments.length(s) > t));
            if (r >= rows) continue;
            const Index token = source[static_cast<std::size_t>(row++)];
            CHECK(token == (reverse ? segments.end(s) - 1 - t : segments.begin(s) + t));
            CHECK(!seen[static_cast<std::size_t>(token)]);
            seen[static_cast<std::size_t>(token)] = true;
          }
        }
        CHECK(row == first[static_cast<std::size_t>(group) + 1]);

        // The steps that the kernels process, forward and backward.
        std::vector<kernels::TimeStep> steps;
        Index before = order.members(group);
        order.for_each_step(group, [&](kernels::TimeStep step, Index ended) {
          CHECK(ended == before);
          CHECK(step.rows == order.alive(group, order.members(group), step.t));
          CHECK(step.t == static_cast<Index>(steps.size()));
          CHECK(step.first ==
                (steps.empty() ? first[static_cast<std::size_t>(group)] : steps.back().first + steps.back().rows));
          before = step.rows;
          steps.push_back(step);
        });
        REQUIRE(!steps.empty());
        CHECK(steps.back().rows == 0);
        CHECK(steps.back().first == row);
        steps.pop_back();
        order.for_each_step_backward(group, [&](kernels::TimeStep step) {
          REQUIRE(!steps.empty());
          CHECK(step.t == steps.back().t);
          CHECK(step.first == steps.back().first);
          CHECK(step.rows == steps.back().rows);
          steps.pop_back();
        });
        CHECK(steps.empty());
      }
      CHECK(members == segments.count());
    }
  }
}

}  // namespace HEED_TEST_UNIT
