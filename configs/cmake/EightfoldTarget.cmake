# Warnings every target of this project is compiled with, never a consumer's.
add_library(eightfold_warnings INTERFACE)
target_compile_options(eightfold_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wparentheses
  $<$<BOOL:${EIGHTFOLD_WARNINGS_AS_ERRORS}>:-Werror>>)

# eightfold_library(FOLDER SOURCES a.cpp ... [HOT b.cpp ...] [INTERNAL c.hpp ...] [LINK below ...] [PRIVATE library ...]
#                   [HEADERS <h> ...])
#
# The one target of a folder: `eightfold_FOLDER`, alias `eightfold::FOLDER`. LINK names what its public headers
# need, PRIVATE what only its sources need. The include root is the repository, so that a path reads the same in
# an #include, on disk and as a namespace; installed headers keep those paths.
#
# HOT are the sources whose speed is measured: they are compiled with -O3 (Release) or -O2 (RelWithDebInfo). SOURCES read
# options, ask libraries and write reports, and -O1 is all they need: beyond it the compiler takes half as long again and
# nobody waits less. Both levels come after CMAKE_CXX_FLAGS_RELEASE, whose own has no effect.
#
# INTERNAL are the headers for the folder's own sources: they are not installed, nor is anything in host/ and cuda/. No
# installed header may include one (tests/install).
#
# HEADERS are precompiled along with those that nearly every source includes: own ones that half of the folder includes.
# A header that few include does not belong there, however dear it is: each source pays for reading it (nlohmann/json.hpp
# costs 0.4 s a source precompiled, and 0.8 s where it is included). EIGHTFOLD_PRECOMPILE=OFF compiles each
# source with what it includes itself and nothing else: that is how a missing #include is found (docs/testing.md).
function(eightfold_library folder)
  cmake_parse_arguments(arg "" "" "SOURCES;HOT;INTERNAL;LINK;PRIVATE;HEADERS" ${ARGN})
  add_library(eightfold_${folder} ${arg_SOURCES} ${arg_HOT})
  add_library(eightfold::${folder} ALIAS eightfold_${folder})
  set_target_properties(eightfold_${folder} PROPERTIES EXPORT_NAME ${folder})
  target_compile_features(eightfold_${folder} PUBLIC cxx_std_20)
  target_include_directories(eightfold_${folder} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/eightfold>)
  target_link_libraries(eightfold_${folder} PUBLIC ${arg_LINK} PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:eightfold_warnings>)
  eightfold_compile_quickly(eightfold_${folder} HOT ${arg_HOT} HEADERS ${arg_HEADERS})
  install(TARGETS eightfold_${folder} EXPORT eightfoldTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  set(excluded PATTERN "host" EXCLUDE PATTERN "cuda" EXCLUDE)
  foreach(header IN LISTS arg_INTERNAL)
    if(NOT EXISTS ${CMAKE_CURRENT_SOURCE_DIR}/${header})
      message(FATAL_ERROR "INTERNAL names ${folder}/${header}, which does not exist")
    endif()
    list(APPEND excluded PATTERN ${header} EXCLUDE)
  endforeach()
  install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/eightfold/${folder}
    FILES_MATCHING PATTERN "*.hpp" ${excluded})
endfunction()

# eightfold_compile_quickly(TARGET HOT ... HEADERS ...): both as above; SOURCES are the others. A precompiled header serves one
# level of optimisation: hot sources go without.
function(eightfold_compile_quickly target)
  cmake_parse_arguments(arg "" "" "HOT;HEADERS" ${ARGN})
  get_target_property(others ${target} SOURCES)
  list(REMOVE_ITEM others ${arg_HOT})
  target_compile_options(${target} PRIVATE
    $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:Release,RelWithDebInfo>>:-O1>)
  if(NOT EIGHTFOLD_SANITIZE)  # instrumented loops are slow at any level
    set_property(SOURCE ${arg_HOT} APPEND PROPERTY COMPILE_OPTIONS
      $<$<CONFIG:Release>:-O3> $<$<CONFIG:RelWithDebInfo>:-O2>)
    set_property(SOURCE ${arg_HOT} PROPERTY SKIP_PRECOMPILE_HEADERS ON)
  endif()
  if(EIGHTFOLD_PRECOMPILE AND others)
    target_precompile_headers(${target} PRIVATE
      <algorithm> <array> <chrono> <cmath> <filesystem> <fstream> <functional> <map> <memory> <optional> <span> <sstream>
      <string> <string_view> <variant> <vector> <fmt/format.h> ${arg_HEADERS})
  endif()
endfunction()
