#pragma once

// Loops over elements, shared among the host's threads. The division of work never shows in a result: loops
// run over independent elements, and sums over chunks that depend on the size alone.

#include "kernels/stream.hpp"

#include <omp.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace eightfold::kernels::host {

// Elements that are worth waking another thread for: some 10 us of streaming through memory.
inline constexpr std::int64_t kElementsPerThread = 32768;
// Divisions fall on multiples of this many elements: a cache line of fp32 belongs to one thread.
inline constexpr std::int64_t kGrain = 16;

// Calls body(first, last) on ranges that cover [0, count) once, on as many threads as `count` items of `cost`
// elements each deserve.
template <class Body>
void for_each_range(std::int64_t count, std::int64_t cost, const Body& body) {
  if (count <= 0) return;
  const std::int64_t deserved = std::max<std::int64_t>(count * cost / kElementsPerThread, 1);
  const auto threads = static_cast<int>(std::min<std::int64_t>(deserved, omp_get_max_threads()));
  if (threads == 1) {
    body(std::int64_t{0}, count);
    return;
  }
  const std::int64_t grain = cost == 1 ? kGrain : 1;
  const std::int64_t share = ((count + threads - 1) / threads + grain - 1) / grain * grain;
#pragma omp parallel for num_threads(threads) schedule(static)
  for (int part = 0; part < threads; ++part) {
    const std::int64_t first = std::min(part * share, count);
    const std::int64_t last = std::min(first + share, count);
    if (first < last) body(first, last);
  }
}

// functor(i) for every i in [0, count), in SIMD. The CUDA backend runs the same functor, one thread per
// element. A functor with operands on the device loads them in prepare(), once per thread.
template <class Functor>
void for_each_element(StreamView, std::int64_t count, const Functor& functor) {
  for_each_range(count, 1, [&](std::int64_t first, std::int64_t last) {
    Functor local = functor;  // its members stay in registers: no store can alias them
    if constexpr (requires { local.prepare(); }) local.prepare();
#pragma omp simd
    for (std::int64_t i = first; i < last; ++i) local(i);
  });
}

// The sum over fixed chunks of [0, count) of body(first, last), added in the order of the chunks.
template <class Body>
double sum_over_chunks(std::int64_t count, std::int64_t cost, const Body& body) {
  constexpr std::int64_t kChunks = 64;
  std::array<double, kChunks> partial{};
  const std::int64_t share = (count + kChunks - 1) / kChunks;
  for_each_range(kChunks, share * cost, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t chunk = begin; chunk < end; ++chunk) {
      const std::int64_t first = std::min(chunk * share, count);
      const std::int64_t last = std::min(first + share, count);
      partial[static_cast<std::size_t>(chunk)] = body(first, last);
    }
  });
  double sum = 0;
  for (const double part : partial) sum += part;
  return sum;
}

}  // namespace eightfold::kernels::host
