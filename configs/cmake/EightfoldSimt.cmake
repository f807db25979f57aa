# CUDA code without nvcc and without a GPU: the host compiler builds the .cu files against tests/simt/, with the
# toolkit's headers. Included only with EIGHTFOLD_SIMT; the language CUDA stays unused.
if(EIGHTFOLD_WITH_CUDA OR NOT EIGHTFOLD_BUILD_TESTS)
  message(FATAL_ERROR "EIGHTFOLD_SIMT stands in for EIGHTFOLD_WITH_CUDA, and needs EIGHTFOLD_BUILD_TESTS")
endif()
find_path(EIGHTFOLD_CUDA_INCLUDE_DIR cuda_runtime_api.h
  HINTS $ENV{CUDA_PATH}/include /usr/local/cuda/include REQUIRED DOC "The CUDA Toolkit's headers")

# Where tests leave the names of the kernels that they have executed.
set(EIGHTFOLD_SIMT_KERNELS ${PROJECT_BINARY_DIR}/executed_kernels)
