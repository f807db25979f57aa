# Warnings every target of this project is compiled with, never a consumer's.
add_library(eightfold_warnings INTERFACE)
target_compile_options(eightfold_warnings INTERFACE $<$<COMPILE_LANGUAGE:CXX>:
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wparentheses
  $<$<BOOL:${EIGHTFOLD_WARNINGS_AS_ERRORS}>:-Werror>>)

# eightfold_library(FOLDER SOURCES a.cpp ... [LINK below ...] [PRIVATE library ...])
#
# The one target of a folder: `eightfold_FOLDER`, alias `eightfold::FOLDER`. LINK names what its public headers
# need, PRIVATE what only its sources need. The include root is the repository, so that a path reads the same in
# an #include, on disk and as a namespace; installed headers keep those paths.
function(eightfold_library folder)
  cmake_parse_arguments(arg "" "" "SOURCES;LINK;PRIVATE" ${ARGN})
  add_library(eightfold_${folder} ${arg_SOURCES})
  add_library(eightfold::${folder} ALIAS eightfold_${folder})
  set_target_properties(eightfold_${folder} PROPERTIES EXPORT_NAME ${folder})
  target_compile_features(eightfold_${folder} PUBLIC cxx_std_20)
  target_include_directories(eightfold_${folder} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/eightfold>)
  target_link_libraries(eightfold_${folder} PUBLIC ${arg_LINK} PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:eightfold_warnings>)
  install(TARGETS eightfold_${folder} EXPORT eightfoldTargets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/eightfold/${folder}
    FILES_MATCHING PATTERN "*.hpp" PATTERN "host" EXCLUDE PATTERN "cuda" EXCLUDE)
endfunction()

# eightfold_precompile(FOLDER): nearly half of the time that the sources of a large folder take goes into these headers,
# and builds with sanitizers or an interpreter are for tests. In all others a source has what it includes itself and
# nothing else, so that none goes missing.
function(eightfold_precompile folder)
  if(EIGHTFOLD_SANITIZE OR EIGHTFOLD_SIMT)
    target_precompile_headers(eightfold_${folder} PRIVATE
      <algorithm> <chrono> <filesystem> <fstream> <functional> <map> <memory> <optional> <string> <variant> <vector>
      ${PROJECT_SOURCE_DIR}/kernels/base/error.hpp ${PROJECT_SOURCE_DIR}/kernels/base/log.hpp)
  endif()
endfunction()
