# SPDX-License-Identifier: Apache-2.0
# The opt-in adapters. Each is a target in addition to heed::heed, and exists only if its dependency is found.
#
#   heed::io      heed/io/ (safetensors)    nlohmann-json
#   heed::gzip    heed/io/gzip.hpp          zlib
#   heed::zstd    heed/io/zstd.hpp          libzstd; read_log.hpp reads .zst files with it
#   heed::openmp  heed/openmp.hpp           OpenMP
#
# Included by heed's own CMakeLists.txt and by the installed heedConfig.cmake. The targets are global, so that they are
# visible in a project that adds heed with add_subdirectory.
find_package(nlohmann_json 3.9 QUIET CONFIG)
find_package(ZLIB QUIET)
find_path(HEED_ZSTD_INCLUDE_DIR zstd.h)
find_library(HEED_ZSTD_LIBRARY zstd)
mark_as_advanced(HEED_ZSTD_INCLUDE_DIR HEED_ZSTD_LIBRARY)
find_package(OpenMP QUIET COMPONENTS CXX)

foreach(pair io=nlohmann_json::nlohmann_json gzip=ZLIB::ZLIB openmp=OpenMP::OpenMP_CXX)
  string(REGEX MATCH "^([a-z]+)=(.+)$" pair ${pair})
  if(TARGET ${CMAKE_MATCH_2} AND NOT TARGET heed::${CMAKE_MATCH_1})
    add_library(heed::${CMAKE_MATCH_1} INTERFACE IMPORTED GLOBAL)
    target_link_libraries(heed::${CMAKE_MATCH_1} INTERFACE heed::heed ${CMAKE_MATCH_2})
  endif()
endforeach()

# libzstd has a CMake package in a few distributions only, with different names of its targets.
if(HEED_ZSTD_INCLUDE_DIR AND HEED_ZSTD_LIBRARY AND NOT TARGET heed::zstd)
  add_library(heed::zstd INTERFACE IMPORTED GLOBAL)
  target_include_directories(heed::zstd INTERFACE ${HEED_ZSTD_INCLUDE_DIR})
  target_compile_definitions(heed::zstd INTERFACE HEED_HAVE_ZSTD)
  target_link_libraries(heed::zstd INTERFACE heed::heed ${HEED_ZSTD_LIBRARY})
endif()
