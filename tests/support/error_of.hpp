// SPDX-License-Identifier: Apache-2.0
// The text of the error that a call throws.
#pragma once

#include <string>

#include "heed/core/error.hpp"

namespace heed::test {

/// Returns the text of the `Kind` that `call` throws; empty if it throws nothing. Another exception passes.
template <class Kind = Error, class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Kind& error) {
    return error.what();
  }
  return "";
}

}  // namespace heed::test
