# SPDX-License-Identifier: Apache-2.0
# Cross-compiles one test file for 64-bit ARM and runs it emulated.
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# Catch2 alone, out of the host's other headers.
file(MAKE_DIRECTORY ${WORK_DIR}/include)
file(CREATE_LINK ${CATCH2_DIR} ${WORK_DIR}/include/catch2 SYMBOLIC)
set(flags -std=c++20 -O2 -Wall -Wextra -Wno-psabi -isystem ${WORK_DIR}/include -isystem ${EIGEN_INCLUDE}
          -I ${SOURCE_DIR}/include -I ${SOURCE_DIR}/tests)
get_filename_component(name ${TEST} NAME_WE)
run(${COMPILER} ${flags} -static ${SOURCE_DIR}/tests/support/main.cpp ${TEST} -o ${WORK_DIR}/${name})
run(${EMULATOR} ${WORK_DIR}/${name})
