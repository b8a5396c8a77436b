# SPDX-License-Identifier: Apache-2.0
# The opt-in adapters: each is a target beside heed::heed that exists only where its dependency is found.
#
#   heed::io      heed/io/ (safetensors)    nlohmann-json
#   heed::gzip    heed/io/gzip.hpp          zlib
#   heed::openmp  heed/openmp.hpp           OpenMP
#
# Read by heed's own CMakeLists.txt and by the installed heedConfig.cmake. The targets are global, so that a project
# which takes heed by add_subdirectory sees them too.
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
