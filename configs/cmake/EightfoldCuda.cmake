# The language CUDA and the libraries behind it. Included only with EIGHTFOLD_WITH_CUDA.
find_program(CMAKE_CUDA_COMPILER nvcc HINTS $ENV{CUDA_PATH}/bin /usr/local/cuda/bin)
set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER})
set(CMAKE_CUDA_STANDARD_REQUIRED OFF)  # CMake 3.25 does not know nvcc 13's: see eightfold_cuda_options
enable_language(CUDA)
find_package(CUDAToolkit 12.0 REQUIRED)
find_package(cuDNN 9.0)
if(NOT cuDNN_FOUND)
  message(STATUS "Without cuDNN a job with a convolution on a GPU is an error; CUDNN_ROOT says where else to look")
endif()

# eightfold_cuda_options(TARGET): how this project compiles .cu files. No product is fused with an addition behind
# the source's back and there is no fast math, so that a device computes what the host computes. fmt turns constexpr
# off under nvcc, which compiles it well; our error messages are checked at compile time.
function(eightfold_cuda_options target)
  set(options -std=c++20 -fmad=false -DFMT_USE_CONSTEXPR=1 -Xcompiler=-Wall,-Wextra,-Wshadow,-Wnon-virtual-dtor)
  if(EIGHTFOLD_WARNINGS_AS_ERRORS)
    list(APPEND options --Werror=all-warnings -Xcompiler=-Werror)
  endif()
  target_compile_options(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CUDA>:${options}>")
endfunction()
