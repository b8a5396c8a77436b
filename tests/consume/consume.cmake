# SPDX-License-Identifier: Apache-2.0
# Builds the consumer of one WAY from nothing and runs it.
cmake_minimum_required(VERSION 3.25)

file(REMOVE_RECURSE ${WORK_DIR})
file(MAKE_DIRECTORY ${WORK_DIR})
set(consumer ${CMAKE_CURRENT_LIST_DIR}/${WAY})

function(run)
  execute_process(COMMAND ${ARGN} WORKING_DIRECTORY ${WORK_DIR} COMMAND_ECHO STDOUT COMMAND_ERROR_IS_FATAL ANY)
endfunction()

if(WAY STREQUAL "plain_include")
  run(${consumer}/build.sh ${SOURCE_DIR}/include ${EIGEN_INCLUDE} ${COMPILER})
elseif(WAY STREQUAL "libcxx")
  run(${CMAKE_CURRENT_LIST_DIR}/plain_include/build.sh ${SOURCE_DIR}/include ${EIGEN_INCLUDE} ${CLANG} -stdlib=libc++)
else()
  if(WAY STREQUAL "find_package")  # nothing is built for it
    run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE_DIR} -B heed -D CMAKE_CXX_COMPILER=${COMPILER} -D HEED_BUILD_TESTS=OFF
        -D HEED_BUILD_BENCH=OFF -D HEED_BUILD_EXAMPLES=OFF)
    run(${CMAKE_COMMAND} --install heed --prefix ${WORK_DIR}/prefix)
    set(where -D CMAKE_PREFIX_PATH=${WORK_DIR}/prefix)
  else()
    set(where -D HEED_SOURCE_DIR=${SOURCE_DIR})
  endif()
  run(${CMAKE_COMMAND} -G Ninja -S ${consumer} -B . -D CMAKE_CXX_COMPILER=${COMPILER} ${where})
  run(${CMAKE_COMMAND} --build .)
endif()
run(./consumer)
