# cmake -D RECORDS=directory -D HOUSE=root -P executed_kernels.cmake
#
# Compares the kernels named in the files of RECORDS (executed_kernels.hpp) with the __global__ functions in the CUDA
# sources of the house, and fails naming those that never ran. Instances of a template count by its name. With
# -D FORGET=ON it empties RECORDS instead.
cmake_minimum_required(VERSION 3.25)

if(FORGET)
  file(REMOVE_RECURSE ${RECORDS})
  file(MAKE_DIRECTORY ${RECORDS})
  return()
endif()

# ---- What there is.

file(GLOB_RECURSE sources ${HOUSE}/kernels/*.cu ${HOUSE}/kernels/*.hpp ${HOUSE}/quant8/*.cu ${HOUSE}/quant8/*.hpp)
set(kernels)
foreach(source IN LISTS sources)
  file(READ ${source} text)
  string(REGEX REPLACE "//[^\n]*" "" text "${text}")
  string(REGEX REPLACE "__launch_bounds__[ \n]*\\([^)]*\\)" "" text "${text}")
  string(REGEX MATCHALL "__global__[^(){};]*\\(" heads "${text}")
  foreach(head IN LISTS heads)
    string(REGEX REPLACE "^.*[^A-Za-z0-9_]([A-Za-z0-9_]+)[ \n]*\\($" "\\1" kernel "${head}")
    if(kernel IN_LIST kernels)
      message(FATAL_ERROR "two kernels are named ${kernel} (${source}): nobody could tell which has run")
    endif()
    list(APPEND kernels ${kernel})
  endforeach()
endforeach()
if(NOT kernels)
  message(FATAL_ERROR "no kernel found in ${HOUSE}")
endif()

# ---- What has run: demangled signatures. Arguments of templates may name kernels, and go.

set(executed)
file(GLOB records ${RECORDS}/*)
foreach(record IN LISTS records)
  file(STRINGS ${record} signatures)
  foreach(signature IN LISTS signatures)
    string(REPLACE "(anonymous namespace)" "" signature "${signature}")
    string(REGEX REPLACE "[<(].*$" "" name "${signature}")
    string(REGEX REPLACE "^.*[^A-Za-z0-9_]" "" name "${name}")
    list(APPEND executed ${name})
  endforeach()
endforeach()

set(missing ${kernels})
if(executed)
  list(REMOVE_ITEM missing ${executed})
endif()
list(LENGTH kernels total)
list(LENGTH missing left)
math(EXPR count "${total} - ${left}")
if(missing)
  list(SORT missing)
  list(JOIN missing ", " missing)
  message(FATAL_ERROR "${count} of ${total} kernels executed; never: ${missing}")
endif()
message(STATUS "${count} of ${total} kernels executed")
