cmake_minimum_required(VERSION 3.25)
# Installs the build in `build` below `work`, builds the project in `source` against that, and compares what it prints
# with `version`.
foreach(folder prefix consumer)
  file(REMOVE_RECURSE ${work}/${folder})  # nothing of an earlier run may help
endforeach()

execute_process(COMMAND ${CMAKE_COMMAND} --install ${build} --prefix ${work}/prefix
  OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -S ${source} -B ${work}/consumer -G ${generator}
  -D CMAKE_PREFIX_PATH=${work}/prefix -D CMAKE_CXX_COMPILER=${compiler} -D CMAKE_CXX_FLAGS=${flags}
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${work}/consumer COMMAND_ERROR_IS_FATAL ANY)

# Installed headers include each other and nothing that stayed behind; MPI's own header is none of a user's business.
set(headers ${work}/prefix/include/eightfold)
file(GLOB_RECURSE installed RELATIVE ${headers} ${headers}/*.hpp)
foreach(header IN LISTS installed)
  file(STRINGS ${headers}/${header} includes REGEX "^[ \t]*#[ \t]*include")
  foreach(line IN LISTS includes)
    string(REGEX REPLACE "^[^<\"]*[<\"]([^>\"]*)[>\"].*" "\\1" included "${line}")
    if(included STREQUAL "mpi.h")
      message(FATAL_ERROR "the installed header ${header} includes mpi.h")
    elseif(line MATCHES "\"" AND NOT included IN_LIST installed)
      message(FATAL_ERROR "the installed header ${header} includes ${included}, which is not installed")
    endif()
  endforeach()
endforeach()
foreach(header comm/exchange.hpp comm/mpi/communicator.hpp runtime/run/train.hpp)
  if(NOT header IN_LIST installed)
    message(FATAL_ERROR "${header} is not installed")
  endif()
endforeach()

foreach(program ${work}/consumer/consumer "${work}/prefix/bin/eightfold;--version")
  execute_process(COMMAND ${program} OUTPUT_VARIABLE printed COMMAND_ERROR_IS_FATAL ANY)
  if(NOT printed MATCHES "(^|eightfold +)${version}\n")
    message(FATAL_ERROR "${program} printed:\n${printed}instead of version ${version}")
  endif()
endforeach()
