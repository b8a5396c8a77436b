// SPDX-License-Identifier: Apache-2.0
#include "heed/nn/module.hpp"

#include <optional>

#include "heed/nn/linear.hpp"
#include "nn/layers.hpp"

namespace HEED_TEST_UNIT {

using heed::Index;
using heed::Parameter;
using heed::test::names;
using Names = std::vector<std::string>;
namespace nn = heed::nn;

struct Inner {
  using scalar_type = float;
  Parameter<float> a{{2, 3}};
  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("a", a);
  }
};

struct Outer {
  using scalar_type = float;
  Parameter<float> own{{4}};
  Inner inner;
  std::vector<Inner> list = std::vector<Inner>(2);
  std::optional<nn::Linear<float>> extra;
  template <class Visitor>
  void visit(Visitor&& visitor) {
    visitor("own", own);
    visitor("inner", inner);
    visitor("list", list);
    if (extra) visitor("extra", *extra);
  }
};

TEST_CASE("a module is a type that defines its scalar type and lists its parameters") {
  STATIC_REQUIRE(nn::Module<Inner>);
  STATIC_REQUIRE(nn::Module<Outer>);
  STATIC_REQUIRE(nn::Module<nn::Linear<double>>);
  STATIC_REQUIRE(!nn::Module<Parameter<float>>);
  STATIC_REQUIRE(!nn::Module<int>);
}

TEST_CASE("paths reflect nesting and elements of lists are numbered") {
  Outer outer;
  CHECK(names(outer) == Names{"own", "inner.a", "list.0.a", "list.1.a"});
  CHECK(nn::parameter_count(outer) == 4 + 3 * 6);
  outer.extra.emplace(nn::LinearOptions{.in_features = 2, .out_features = 1});
  CHECK(names(outer) == Names{"own", "inner.a", "list.0.a", "list.1.a", "extra.weight", "extra.bias"});
  CHECK(nn::parameters(outer)[2].parameter == &outer.list[0].a);
}

TEST_CASE("a const module gives read access to its parameters") {
  const Outer outer{};
  Names found;
  nn::for_each_parameter(outer, [&](const std::string& path, auto& parameter) {
    STATIC_REQUIRE(std::is_const_v<std::remove_reference_t<decltype(parameter)>>);
    found.push_back(path);
  });
  CHECK(found == Names{"own", "inner.a", "list.0.a", "list.1.a"});
  CHECK(nn::parameter_count(outer) == 4 + 3 * 6);
}

TEST_CASE("several modules combine into one with numbers as names") {
  Inner first;
  nn::Linear<float> second({.in_features = 2, .out_features = 1});
  auto both = nn::modules(first, second);
  STATIC_REQUIRE(nn::Module<decltype(both)>);
  CHECK(names(both) == Names{"0.a", "1.weight", "1.bias"});
  const auto list = nn::parameters(first, second);
  REQUIRE(list.size() == 3);
  CHECK(list[1].name == "1.weight");
  CHECK(list[1].parameter == &second.weight);
  CHECK(nn::parameters(first).size() == 1);
}

}  // namespace HEED_TEST_UNIT
