// SPDX-License-Identifier: Apache-2.0
#include "heed/core/error.hpp"

#include <catch2/catch.hpp>

namespace HEED_TEST_UNIT {

using namespace heed;

template <class Kind>
std::string text_of() {
  try {
    fail<Kind>("linear", message("wanted ", 3, ", got ", std::string("four")));
  } catch (const Kind& error) {
    return error.what();
  }
}

TEST_CASE("every kind of error names the operation and is an Error") {
  const std::string expected = "linear: wanted 3, got four";
  CHECK(text_of<Error>() == expected);
  CHECK(text_of<ShapeError>() == expected);
  CHECK(text_of<IndexError>() == expected);
  CHECK(text_of<StateError>() == expected);
  CHECK(text_of<OptionError>() == expected);
  CHECK(text_of<IoError>() == expected);
  CHECK(text_of<DamageError>() == expected);
  CHECK_THROWS_AS(fail<ShapeError>("x", "y"), Error);
  CHECK_THROWS_AS(fail<DamageError>("x", "y"), IoError);
  CHECK_THROWS_AS(fail<IoError>("x", "y"), std::runtime_error);
  CHECK_THROWS_AS(fail("x", "y"), Error);
}

TEST_CASE("a message joins texts and numbers of any type") {
  const std::string owned = "owned";
  const std::string_view seen = "seen";
  CHECK(message("a ", owned, ' ' == ' ' ? " " : "", seen) == "a owned seen");
  CHECK(message(-1, " ", std::size_t{7}, " ", std::ptrdiff_t{-9000000000}) == "-1 7 -9000000000");
  CHECK(message(0.5f, " ", 0.25) == "0.500000 0.250000");
}

}  // namespace HEED_TEST_UNIT
