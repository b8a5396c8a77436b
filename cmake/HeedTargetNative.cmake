# SPDX-License-Identifier: Apache-2.0
include_guard(GLOBAL)

# heed_target_native(target)
#
# Compiles `target` with -O3 for the CPU of the build machine (GCC and Clang). heed exports no flags: the application
# chooses the instruction sets, because the program runs only on CPUs that support all of them. Without such flags,
# compilers target the oldest CPU of the architecture (SSE2 on x86-64), and the program is several times slower. For a
# program that runs on other machines, set the flags directly instead, for example
# target_compile_options(target PRIVATE -O3 -march=x86-64-v3).
function(heed_target_native target)
  if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
    target_compile_options(${target} PRIVATE $<$<NOT:$<CONFIG:Debug>>:-O3> -march=native)
  else()
    message(WARNING "heed_target_native: no flags are known for ${CMAKE_CXX_COMPILER_ID}; ${target} is unchanged")
  endif()
endfunction()
