# eightfold_test(NAME SOURCES a_test.cpp ... LINK eightfold::kernels ... [RANKS 1 2 3 4] [LABELS ...]
#                [TIMEOUT s] [PROCESSORS n] [COST s] [SMOKE [ranks]] [ONE_THREAD] [OPTIMISED])
#
# One program per folder of tests/. Without RANKS every test case is a CTest entry of its own, `NAME:case`. With
# RANKS the program is an MPI program and each rank count is one entry, `NAME.npK`; such a program links
# tests/support/mpi_main.cpp, which agrees on the outcome over all ranks. With the label `gpu` a machine without a GPU
# skips the program's cases. A program with ONE_THREAD starts none, or one that it waits for: ThreadSanitizer has
# nothing to see there, and its builds leave the program out. Optimising a test is half of the time that compiling it
# takes, and only oracles that compute for long are worth it: a program with OPTIMISED has them.
#
# Labels say what a test costs (docs/testing.md): `smoke` is run by every call of tests/run.sh, `nightly` only by
# `tests/run.sh --all`. SMOKE gives the label to a whole program, SMOKE 2 to its entry with two ranks; the tag [smoke] or
# [.nightly] to a case of a program without RANKS. COST is what the dearest case takes, in seconds: the dearest start first,
# so that none is waited for at the end. What has the label `smoke` makes up the target smoke_tests. A nightly case has the
# tag [.nightly], so that the program leaves it out unless it is named; it computes for so long that sanitizers go without.
#
# What has the label `gpu` or `simt` makes up the target gpu_tests. Without CUDA the programs with the label `gpu` have
# the interpreted backend (tests/simt/), all others have none. The file tests/gpu_programs.txt of the build lists the
# programs with the label `gpu` for tests/gpu.sh: "RANKS PATH", RANKS 0 for a program that is started as it is.
find_package(Catch2 REQUIRED)
include(Catch)
find_program(EIGHTFOLD_MPIEXEC NAMES mpirun mpiexec REQUIRED)
add_custom_target(gpu_tests)
add_custom_target(smoke_tests)
file(WRITE ${PROJECT_BINARY_DIR}/tests/gpu_programs.txt "")

# More ranks than cores share them politely; root in a container is allowed to run; nobody needs a network. Open MPI 5 has
# other names for what is in the lines after the first, and each ignores the other's. A rank
# on shared cores would start anew with the policy of OpenMP that is here.
set(EIGHTFOLD_MPI_ENVIRONMENT
  OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl=^tcp
  OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_btl_vader_single_copy_mechanism=none
  PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe PRTE_MCA_hwloc_default_binding_policy=none OMPI_MCA_smsc=^cma
  OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
  ASAN_OPTIONS=detect_leaks=0)

# For the property ENVIRONMENT_MODIFICATION of every test that runs code of this repository; what it starts inherits it.
# The first data race ends a process: an exit status that a test expects would hide it. ignore_noninstrumented_modules
# is off, so that MPI's accesses to our buffers count; libarcher, which looks for a number, finds 1 and does not ask for
# it on stderr.
set(EIGHTFOLD_TSAN_OPTIONS
  ignore_noninstrumented_modules=1 ignore_noninstrumented_modules=no halt_on_error=1
  suppressions=${PROJECT_SOURCE_DIR}/tests/support/tsan_suppressions.txt)
list(JOIN EIGHTFOLD_TSAN_OPTIONS ":" EIGHTFOLD_TSAN_OPTIONS)
set(EIGHTFOLD_TSAN_OPTIONS TSAN_OPTIONS=set:${EIGHTFOLD_TSAN_OPTIONS})

# How many times longer than elsewhere a test waits, under a sanitizer, before it takes something for a hang.
set(EIGHTFOLD_TEST_PATIENCE 1)
if(EIGHTFOLD_SANITIZE)
  set(EIGHTFOLD_TEST_PATIENCE 3)
endif()

# eightfold_precompile_test(TARGET LEVEL): the level of optimisation of a test program, and the headers that nearly every
# one includes, precompiled once for each level in the program tests_LEVEL. In a build without precompiled headers they
# are given to no source that does not include them.
function(eightfold_precompile_test target level)
  target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${level}>)
  if(NOT EIGHTFOLD_PRECOMPILE)
    return()
  endif()
  set(owner tests${level})
  if(NOT TARGET ${owner})
    add_executable(${owner} ${PROJECT_SOURCE_DIR}/tests/support/main.cpp)
    target_link_libraries(${owner} PRIVATE eightfold_test_support fmt::fmt eightfold_warnings)  # fmt defines a macro
    target_compile_options(${owner} PRIVATE ${level})
    target_precompile_headers(${owner} PRIVATE
      ${PROJECT_SOURCE_DIR}/tests/support/test.hpp
      <algorithm> <cmath> <filesystem> <functional> <map> <memory> <numeric> <optional> <span> <string> <vector>
      <fmt/format.h> ${PROJECT_SOURCE_DIR}/kernels/base/error.hpp ${PROJECT_SOURCE_DIR}/kernels/tensor.hpp)
  endif()
  target_precompile_headers(${target} REUSE_FROM ${owner})
endfunction()

# Stands for a program that this build cannot have; `reason` says why.
function(eightfold_skipped_test name reason)
  add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} -E env sh -c "echo '${reason}'; exit 77")
  set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77 LABELS host)
endfunction()

# eightfold_label_cases(LIST label ...): labels the test cases that catch_discover_tests has put into LIST, when CTest
# reads them. Its own properties cannot have a list as a value.
function(eightfold_label_cases cases)
  set(script ${CMAKE_CURRENT_BINARY_DIR}/${cases}_labels.cmake)
  file(WRITE ${script} "foreach(case IN LISTS ${cases})\n  set_tests_properties(\"\${case}\" PROPERTIES LABELS \"${ARGN}\")\nendforeach()\n")
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${script})
endfunction()

# The test cases of a program, by what they cost: a case has its program's label, or the one that it is tagged with.
function(eightfold_discover_cases name labels is_smoke sources)
  set(tags smoke nightly)
  if(is_smoke OR EIGHTFOLD_SANITIZE)  # with a sanitizer, smoke tests are whole programs
    set(tags nightly)
  endif()
  set(rest "~[.]")
  foreach(tag IN LISTS tags)
    set(tagged "")
    foreach(source IN LISTS sources)
      if(NOT source MATCHES "[$]")
        file(STRINGS ${source} lines REGEX "\\[[.]?${tag}\\]")
        list(APPEND tagged ${lines})
      endif()
    endforeach()
    if(tagged)  # a tag that is new since then counts from the next configuration on
      string(APPEND rest "~[${tag}]")
    endif()
    if(tagged AND NOT (tag STREQUAL "nightly" AND EIGHTFOLD_SANITIZE))
      set(tagged_properties ${ARGN})
      if(tag STREQUAL "nightly")
        list(APPEND tagged_properties TIMEOUT 1800)
      else()
        add_dependencies(smoke_tests ${name})
      endif()
      catch_discover_tests(${name} TEST_SPEC "[${tag}]" TEST_PREFIX "${name}:" TEST_LIST ${name}_${tag}
        PROPERTIES ${tagged_properties})
      eightfold_label_cases(${name}_${tag} ${labels} ${tag})
    endif()
  endforeach()
  set(further "")
  if(EIGHTFOLD_SIMT AND "gpu" IN_LIST labels AND NOT EIGHTFOLD_SANITIZE STREQUAL "thread")
    # Leaves the names of the kernels it runs for tests/simt/executed_kernels.cmake, which comes after it.
    set(further ENVIRONMENT SIMT_KERNELS=${EIGHTFOLD_SIMT_KERNELS}
      FIXTURES_REQUIRED simt_kernels_forgotten FIXTURES_SETUP simt_kernels_executed)
  endif()
  if(is_smoke)
    list(APPEND labels smoke)
  endif()
  catch_discover_tests(${name} TEST_SPEC "${rest}" TEST_PREFIX "${name}:" TEST_LIST ${name}_rest
    PROPERTIES ${ARGN} ${further})
  eightfold_label_cases(${name}_rest ${labels})
endfunction()

function(eightfold_test name)
  cmake_parse_arguments(arg "ONE_THREAD;OPTIMISED" "TIMEOUT;PROCESSORS;COST" "SOURCES;LINK;RANKS;LABELS;SMOKE" ${ARGN})
  if(arg_ONE_THREAD AND EIGHTFOLD_SANITIZE STREQUAL "thread")
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * ${EIGHTFOLD_TEST_PATIENCE}")
  if(NOT arg_PROCESSORS)
    set(arg_PROCESSORS 1)
  endif()
  if(NOT arg_COST)
    set(arg_COST 1)
  endif()
  if(NOT arg_LABELS)
    set(arg_LABELS host)
  endif()
  set(is_smoke OFF)
  if(DEFINED arg_SMOKE OR "SMOKE" IN_LIST arg_KEYWORDS_MISSING_VALUES)
    set(is_smoke ON)
    add_dependencies(smoke_tests ${name})
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE eightfold_test_support ${arg_LINK} eightfold_warnings)
  if(arg_OPTIMISED)
    eightfold_precompile_test(${name} -O1)
  else()
    eightfold_precompile_test(${name} -O0)
  endif()
  set(properties TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77 PROCESSORS ${arg_PROCESSORS} COST ${arg_COST}
    ENVIRONMENT_MODIFICATION ${EIGHTFOLD_TSAN_OPTIONS})
  if("gpu" IN_LIST arg_LABELS OR "simt" IN_LIST arg_LABELS)
    add_dependencies(gpu_tests ${name})
  endif()
  if("gpu" IN_LIST arg_LABELS)
    if(EIGHTFOLD_SIMT)
      target_link_libraries(${name} PRIVATE eightfold_interpreted)
    endif()
    set(starts ${arg_RANKS})
    if(NOT starts)
      set(starts 0)
    endif()
    file(RELATIVE_PATH program ${PROJECT_BINARY_DIR} ${CMAKE_CURRENT_BINARY_DIR}/${name})
    foreach(ranks IN LISTS starts)
      file(APPEND ${PROJECT_BINARY_DIR}/tests/gpu_programs.txt "${ranks} ${program}\n")
    endforeach()
  endif()
  if(NOT arg_RANKS)
    set(main main.cpp)
    if("gpu" IN_LIST arg_LABELS)
      set(main gpu_main.cpp)
    endif()
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/${main})
    eightfold_discover_cases(${name} "${arg_LABELS}" "${is_smoke}" "${arg_SOURCES}" ${properties})
    return()
  endif()
  target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/mpi_main.cpp)
  target_compile_definitions(${name} PRIVATE EIGHTFOLD_TEST_PATIENCE=${EIGHTFOLD_TEST_PATIENCE})
  if("gpu" IN_LIST arg_LABELS)
    target_compile_definitions(${name} PRIVATE EIGHTFOLD_TEST_NEEDS_GPU)
  endif()
  foreach(ranks IN LISTS arg_RANKS)
    add_test(NAME ${name}.np${ranks} COMMAND ${EIGHTFOLD_MPIEXEC} -np ${ranks} $<TARGET_FILE:${name}>)
    set(labels mpi ${arg_LABELS})
    if(is_smoke AND (NOT arg_SMOKE OR ranks IN_LIST arg_SMOKE))
      list(APPEND labels smoke)
    endif()
    set_tests_properties(${name}.np${ranks} PROPERTIES ${properties} PROCESSORS 2 LABELS "${labels}")
    set_property(TEST ${name}.np${ranks} APPEND PROPERTY ENVIRONMENT ${EIGHTFOLD_MPI_ENVIRONMENT})
  endforeach()
endfunction()
