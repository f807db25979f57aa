# CUDA code without nvcc and without a GPU: in a build with tests and without EIGHTFOLD_WITH_CUDA the host compiler builds
# the .cu files against tests/simt/, with the toolkit's headers, for the tests with the label gpu (docs/simt.md). Sets
# EIGHTFOLD_SIMT where that can be had. The language CUDA stays unused.
option(EIGHTFOLD_INTERPRET "Interpret the CUDA backend in tests, where the CUDA Toolkit's headers are found" ON)
find_path(EIGHTFOLD_CUDA_INCLUDE_DIR cuda_runtime_api.h
  HINTS $ENV{CUDA_PATH}/include /usr/local/cuda/include DOC "The CUDA Toolkit's headers")
if(EIGHTFOLD_INTERPRET AND NOT EIGHTFOLD_CUDA_INCLUDE_DIR AND NOT EIGHTFOLD_WITH_CUDA)
  message(STATUS "The tests of the CUDA backend are left out: no cuda_runtime_api.h")
endif()
set(EIGHTFOLD_SIMT OFF)
if(EIGHTFOLD_INTERPRET AND EIGHTFOLD_CUDA_INCLUDE_DIR AND NOT EIGHTFOLD_WITH_CUDA)
  set(EIGHTFOLD_SIMT ON)
endif()

# Where tests leave the names of the kernels that they have executed.
set(EIGHTFOLD_SIMT_KERNELS ${PROJECT_BINARY_DIR}/executed_kernels)
