# SPDX-License-Identifier: Apache-2.0
include_guard(GLOBAL)

# heed_target_native(target)
#
# Builds `target` at -O3 for the CPU of the machine that compiles it (GCC and Clang). heed exports no flags: which
# instruction sets a program may use is the choice of the application, because the result runs only on CPUs that have
# them all. Without such flags a compiler builds for the oldest CPU of the architecture (SSE2 on x86-64), several times
# slower. For a program that travels, write its flags yourself instead, for example
# target_compile_options(target PRIVATE -O3 -march=x86-64-v3).
function(heed_target_native target)
  if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    target_compile_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-O3> -march=native)
  else()
    message(WARNING "heed_target_native: no flags are known for ${CMAKE_CXX_COMPILER_ID}; ${target} is left as it is")
  endif()
endfunction()
