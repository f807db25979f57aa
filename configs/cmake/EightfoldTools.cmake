# Faster builds where the tools are installed; none of them is needed.
find_program(EIGHTFOLD_CCACHE ccache)
if(EIGHTFOLD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${EIGHTFOLD_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${EIGHTFOLD_CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${EIGHTFOLD_CCACHE})
endif()

# clang 16 finds its own lld; gcc 12 knows mold by name.
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  find_program(EIGHTFOLD_LINKER NAMES ld.lld-16)
  set(EIGHTFOLD_LINKER_FLAG -fuse-ld=lld-16)
else()
  find_program(EIGHTFOLD_LINKER NAMES mold)
  set(EIGHTFOLD_LINKER_FLAG -fuse-ld=mold)
endif()
if(EIGHTFOLD_LINKER)
  add_link_options(${EIGHTFOLD_LINKER_FLAG})
endif()

if(EIGHTFOLD_SANITIZE)
  add_compile_options(-fsanitize=${EIGHTFOLD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
    $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-gline-tables-only>)  # all that a report shows
  add_link_options(-fsanitize=${EIGHTFOLD_SANITIZE})
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-pass-failed>)  # instrumented loops cannot be SIMD
endif()
