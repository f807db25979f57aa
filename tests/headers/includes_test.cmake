# cmake -D HOUSE=directory -P includes_test.cmake
# Fails with every include that climbs the house, reaches for MPI outside comm or for sockets anywhere, and with every
# call of a shell.
set(house kernels quant8 comm runtime launch)  # from the ground up

set(problems)
foreach(folder IN LISTS house)
  list(FIND house ${folder} floor)
  file(GLOB_RECURSE files RELATIVE ${HOUSE}
    ${HOUSE}/${folder}/*.hpp ${HOUSE}/${folder}/*.cpp ${HOUSE}/${folder}/*.cuh ${HOUSE}/${folder}/*.cu ${HOUSE}/${folder}/*.in)
  foreach(file IN LISTS files)
    file(STRINGS ${HOUSE}/${file} includes REGEX "^[ \t]*#[ \t]*include")
    foreach(line IN LISTS includes)
      string(REGEX REPLACE "^[^<\"]*[<\"]([^>\"]*)[>\"].*" "\\1" included "${line}")
      string(REGEX REPLACE "/.*" "" target "${included}")
      list(FIND house "${target}" target_floor)
      if(target_floor GREATER floor)
        list(APPEND problems "${file} includes ${included}, which stands above ${folder}")
      endif()
      if(included STREQUAL "mpi.h" AND NOT folder STREQUAL "comm")
        list(APPEND problems "${file} includes mpi.h, which only comm may")
      endif()
      if(included STREQUAL "sys/socket.h")
        list(APPEND problems "${file} includes sys/socket.h: only libraries open connections")
      endif()
    endforeach()
    file(STRINGS ${HOUSE}/${file} shells REGEX "(^|[^a-zA-Z_.>])(system|popen) *\\(")
    if(shells)
      list(APPEND problems "${file} calls a shell")
    endif()
  endforeach()
endforeach()

if(problems)
  list(JOIN problems "\n" text)
  message(FATAL_ERROR "${text}")
endif()
