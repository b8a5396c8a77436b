// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Returns the commit that the program was built from, with "-dirty" if tracked files differed from it; "unknown"
/// outside a git checkout. Defined in a file that the build writes (commit.cmake).
const char* built_from_commit();
