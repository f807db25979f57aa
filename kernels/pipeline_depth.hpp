#pragma once

// The distances by which parts of a training pipeline run ahead of each other. The numbers depend on each
// other across folders, so they stand together, below all who use them.

#include <cstddef>
#include <cstdint>

namespace eightfold::kernels {

struct PipelineDepth {
  // Micro-batches that are loaded and not yet consumed (runtime/data/loader.hpp): one that the device
  // computes, one that waits for it, one that the loader fills. The worker enqueues as long as there are
  // some, so the device is behind it by at most as many steps.
  static constexpr std::int64_t kLoaded = 3;
  // Steps between asking all ranks whether to stop and reading the answer (runtime/run/stop.cpp). The answer
  // travels behind the buckets of its step and before those of the next one, for which the worker waits.
  static constexpr std::size_t kStopLag = 2;
};
static_assert(PipelineDepth::kLoaded >= 2, "loading and computing overlap");
static_assert(PipelineDepth::kStopLag >= 2, "a stop never waits for an exchange");

}  // namespace eightfold::kernels
