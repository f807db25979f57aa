#pragma once

// Starting kernels. The toolkit's own header for this (cuda_runtime.h) passes arguments without their types,
// which a host compiler could not call a function with.

#include "tests/simt/block.hpp"

#include <cuda_runtime_api.h>

#include <tuple>
#include <utility>

namespace eightfold::simt {

// Checks the launch as the runtime does and enqueues it.
cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel, std::function<void()> run_thread);

}  // namespace eightfold::simt

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  std::tuple<std::remove_cv_t<Parameters>...> values(std::forward<Arguments>(arguments)...);
  return eightfold::simt::launch(*config, reinterpret_cast<const void*>(kernel),
                                 [kernel, values = std::move(values)] { std::apply(kernel, values); });
}

template <class... Parameters>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Parameters...), cudaFuncAttribute attribute, int value) {
  return cudaFuncSetAttribute(reinterpret_cast<const void*>(kernel), attribute, value);
}
