# SPDX-License-Identifier: Apache-2.0
# The opt-in adapters. Each is a target in addition to heed::heed, and exists only if its dependency is found.
#
#   heed::io      heed/io/ (safetensors)    nlohmann-json
#   heed::gzip    heed/io/gzip.hpp          zlib
#   heed::openmp  heed/openmp.hpp           OpenMP
#
# Included by heed's own CMakeLists.txt and by the installed heedConfig.cmake. The targets are global, so that they are
# visible in a project that adds heed with add_subdirectory.
find_package(nlohmann_json 3.9 QUIET CONFIG)
find_package(ZLIB QUIET)
find_package(OpenMP QUIET COMPONENTS CXX)

foreach(pair io=nlohmann_json::nlohmann_json gzip=ZLIB::ZLIB openmp=OpenMP::OpenMP_CXX)
  string(REGEX MATCH "^([a-z]+)=(.+)$" pair ${pair})
  if(TARGET ${CMAKE_MATCH_2} AND NOT TARGET heed::${CMAKE_MATCH_1})
    add_library(heed::${CMAKE_MATCH_1} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(heed::${CMAKE_MATCH_1} INTERFACE heed::heed ${CMAKE_MATCH_2})
  endif()
endforeach()
