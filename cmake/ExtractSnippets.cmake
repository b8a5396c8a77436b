# SPDX-License-Identifier: Apache-2.0
# Extracts the ```cpp blocks of a Markdown page into C++ files, so that tests compile and run the documentation.
#
#   heed_extract_snippets(page name directory out_sources out_lines)
#
# A block is a separate program, or continues the preceding block if its first line is `// continues`. A program with
# `int main` is written unchanged to <line>.cpp. All other programs of the page become functions of page.cpp, so that
# the headers are parsed once. Blocks that begin with template, struct, class, enum or namespace are placed at namespace
# scope, others in the body of the function, where `return 1` reports failure; #include lines are moved to the top.
# Compiler messages name the page and its line. `out_sources` receives the files, `out_lines` the lines at which
# programs begin. The argument of page.cpp is the line of the program to run.

function(heed_extract_snippets page name directory out_sources out_lines)
  file(READ ${page} rest)
  string(PREPEND rest "\n")
  string(APPEND rest "\n")
  set(line 0)  # the line number of the start of `rest`
  set(fence "\n```cpp\n")
  string(LENGTH "${fence}" fence_length)
  set(program "")  # the line of the open program
  set(lines "")

  while(TRUE)
    string(FIND "${rest}" "${fence}" at)
    if(at EQUAL -1)
      break()
    endif()
    math(EXPR at "${at} + ${fence_length}")
    heed_count_lines("${rest}" ${at} line)
    string(SUBSTRING "${rest}" ${at} -1 rest)
    string(FIND "${rest}" "\n```\n" end)
    if(end EQUAL -1)
      message(FATAL_ERROR "${name}:${line}: this block of code has no closing fence")
    endif()
    string(SUBSTRING "${rest}" 0 ${end} block)

    if(NOT block MATCHES "^// continues")
      set(program ${line})
      list(APPEND lines ${line})
      set(includes_${line} "")
      set(outer_${line} "")
      set(inner_${line} "")
    elseif(program STREQUAL "")
      message(FATAL_ERROR "${name}:${line}: there is no block to continue")
    endif()
    set(include "(^|\n)#include [^\n]*")
    string(REGEX MATCHALL "${include}" includes "${block}")
    string(APPEND includes_${program} "${includes}\n")
    string(REGEX REPLACE "${include}" "\\1" block "${block}")  # leaves an empty line: line numbers stay the same
    string(REGEX REPLACE "(^|\n)//[^\n]*" "" head "${block}")
    string(STRIP "${head}" head)
    set(placed "#line ${line} \"${name}\"\n${block}\n")
    if(block MATCHES "int main\\(" OR head MATCHES "^(template|struct|class|namespace|enum)[ <]")
      string(APPEND outer_${program} "${placed}")
    else()
      string(APPEND inner_${program} "${placed}")
    endif()

    heed_count_lines("${rest}" ${end} line)
    string(SUBSTRING "${rest}" ${end} -1 rest)
  endwhile()

  set(sources "")
  set(page_lines "")
  set(page_includes "#include <cstdlib>\n#include <iostream>\n#include <heed/heed.hpp>\n")
  set(page_functions "")
  set(page_calls "")
  foreach(line IN LISTS lines)
    string(REPLACE ";" "\n" includes "${includes_${line}}")
    if(outer_${line} MATCHES "int main\\(")
      heed_write_if_different(${directory}/${line}.cpp "${includes}${outer_${line}}")
      list(APPEND sources ${directory}/${line}.cpp)
    else()
      string(APPEND page_includes "${includes}")
      string(APPEND page_functions "namespace snippet_${line} {\n${outer_${line}}"
                                   "static int run() {\n${inner_${line}}return 0;\n}\n}\n")
      string(APPEND page_calls "    case ${line}: return snippet_${line}::run();\n")
    endif()
  endforeach()
  if(page_functions)
    heed_write_if_different(${directory}/page.cpp "${page_includes}${page_functions}\
#line 1 \"page.cpp\"
int main(int argc, char** argv) {
  switch (argc > 1 ? std::atoi(argv[1]) : 0) {
${page_calls}    default: return 2;
  }
}
")
    list(APPEND sources ${directory}/page.cpp)
  endif()
  set(${out_sources} "${sources}" PARENT_SCOPE)
  set(${out_lines} "${lines}" PARENT_SCOPE)
endfunction()

# Adds the number of newlines in the first `length` characters of `text` to `counter`.
function(heed_count_lines text length counter)
  string(SUBSTRING "${text}" 0 ${length} text)
  string(REGEX REPLACE "[^\n]" "" text "${text}")
  string(LENGTH "${text}" count)
  math(EXPR count "${${counter}} + ${count}")
  set(${counter} ${count} PARENT_SCOPE)
endfunction()

# Does not touch a file whose text is unchanged, so that configuring again does not cause recompilation.
function(heed_write_if_different path text)
  set(old "")
  if(EXISTS ${path})
    file(READ ${path} old)
  endif()
  if(NOT old STREQUAL text)
    file(WRITE ${path} "${text}")
  endif()
endfunction()
