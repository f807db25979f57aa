#pragma once

// Holds a stream of a GPU back, so that a test sees what waits for it and what does not. For tests alone: a
// host function may not wait for work of a device (cudaLaunchHostFunc), so between hold() and let_go() a test
// enqueues nothing whose first use may wait for the device: no first launch of a kernel, no allocation
// (docs/streams.md).

#include "kernels/stream.hpp"
#include "tests/support/test.hpp"

#include <cuda_runtime_api.h>

#include <semaphore>

namespace eightfold::kernels::testing {

// Outlives what it holds.
class HeldStream {
 public:
  // Work enqueued on `stream` from now on starts after one more let_go(), which may come first.
  void hold(StreamView stream) {
    const auto wait = [](void* signals) { static_cast<std::counting_semaphore<>*>(signals)->acquire(); };
    REQUIRE(cudaLaunchHostFunc(static_cast<cudaStream_t>(stream.handle()), wait, &signals_) == cudaSuccess);
  }
  // From any thread.
  void let_go() { signals_.release(); }

 private:
  std::counting_semaphore<> signals_{0};
};

}  // namespace eightfold::kernels::testing
