// SPDX-License-Identifier: Apache-2.0
// The single header of Catch2 2, composed of Catch2 3's headers: tests use version 2's API and build with either.
#pragma once

#include <catch2/catch_all.hpp>
#include <string>

using Catch::Approx;

namespace Catch {

namespace Matchers {

// About strings in version 2, about ranges in version 3.
inline auto Contains(const char* part) { return ContainsSubstring(part); }
inline auto Contains(std::string part) { return ContainsSubstring(part); }

}  // namespace Matchers

using Matchers::Contains;
using Matchers::EndsWith;
using Matchers::Equals;
using Matchers::Matches;
using Matchers::StartsWith;

}  // namespace Catch
