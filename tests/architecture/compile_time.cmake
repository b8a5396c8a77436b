# SPDX-License-Identifier: Apache-2.0
# Compiles examples/minimal.cpp and a file with one Eigen product in turn, several times, and compares the fastest of
# each: heed is to cost at most three times what Eigen costs. In turn, so that a busy moment of the machine hits both.
cmake_minimum_required(VERSION 3.25)
set(rounds 3)
set(limit 400)  # per cent: three times is the aim, 3.6 is what tiles and panels cost now; a busy machine is allowed for

file(MAKE_DIRECTORY ${WORK_DIR})
file(WRITE ${WORK_DIR}/eigen.cpp [[
#include <Eigen/Core>
int main() {
  const Eigen::MatrixXf a = Eigen::MatrixXf::Random(8, 8);
  const Eigen::MatrixXf b = a * a;
  return b(0, 0) > 100.0f;
}
]])

function(compile source best)
  string(TIMESTAMP start "%s%f" UTC)
  execute_process(COMMAND ${COMPILER} -std=c++20 -O2 -I${SOURCE_DIR}/include -isystem ${EIGEN_INCLUDE}
                          -c ${source} -o ${WORK_DIR}/compiled.o COMMAND_ERROR_IS_FATAL ANY)
  string(TIMESTAMP end "%s%f" UTC)
  math(EXPR time "(${end} - ${start}) / 1000")
  if(NOT DEFINED ${best} OR time LESS ${best})
    set(${best} ${time} PARENT_SCOPE)
  endif()
endfunction()

foreach(round RANGE 1 ${rounds})
  compile(${WORK_DIR}/eigen.cpp eigen_ms)
  compile(${SOURCE_DIR}/examples/minimal.cpp heed_ms)
endforeach()

math(EXPR ratio "100 * ${heed_ms} / ${eigen_ms}")
message("Eigen/Core with one product: ${eigen_ms} ms; examples/minimal.cpp: ${heed_ms} ms; ${ratio} % (limit ${limit} %)")
if(ratio GREATER limit)
  message(FATAL_ERROR "minimal.cpp takes too long to compile")
endif()
