# SPDX-License-Identifier: Apache-2.0
# Compares the number of a program's tests that CTest knows with the number that the program lists.
cmake_minimum_required(VERSION 3.25)

execute_process(COMMAND ${PROGRAM} ${LIST_OPTIONS} OUTPUT_VARIABLE listed)  # Catch2 2 exits with the number of tests
string(REGEX REPLACE "[^\n]" "" line_ends "${listed}")  # not as a list, which cannot contain all names
string(LENGTH "${line_ends}" listed)

execute_process(COMMAND ${CTEST} -N -L "^${LABEL}$" WORKING_DIRECTORY ${BUILD_DIR} OUTPUT_VARIABLE known
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCH "Total Tests: ([0-9]+)" found "${known}")
set(known ${CMAKE_MATCH_1})

message("${LABEL}: ${listed} tests in the program, ${known} known to CTest")
if(NOT listed EQUAL known OR listed EQUAL 0)
  message(FATAL_ERROR "CTest does not run every test of ${LABEL}")
endif()
