# SPDX-License-Identifier: Apache-2.0
# Runs in every build: cmake -D SOURCE_DIR=.. -D OUTPUT=.. -P commit.cmake. Writes the definition of built_from_commit()
# to OUTPUT, which is rewritten only when its content changes.
set(git git --git-dir=${SOURCE_DIR}/.git --work-tree=${SOURCE_DIR})
execute_process(COMMAND ${git} describe --always --dirty --exclude=* OUTPUT_VARIABLE commit RESULT_VARIABLE status
                OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT status EQUAL 0)
  set(commit unknown)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT [[
#include "recommend/commit.hpp"
const char* built_from_commit() { return "@commit@"; }
]] @ONLY)
