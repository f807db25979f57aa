#pragma once

// The maximum of one number per rank, without blocking: how ranks agree to stop. The messages travel beside
// the buckets, on the engine.

#include "comm/engine/engine.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace eightfold::comm::engine {

class AsyncMax {
 public:
  // Up to `pending` maxima are under way; `engine` outlives this.
  AsyncMax(Engine& engine, std::size_t pending);
  ~AsyncMax();
  AsyncMax(const AsyncMax&) = delete;  // the engine's work refers to it
  AsyncMax& operator=(const AsyncMax&) = delete;

  // Returns at once. Every rank calls it as often, at the same place among its submissions to the engine.
  // Requires: fewer than `pending` are under way.
  void submit(std::uint32_t value);
  // The oldest maximum under way, the same on every rank. Blocks until it, and what was submitted to the
  // engine before it, is over. Throws the engine's failure.
  std::uint32_t result();

  std::size_t under_way() const noexcept { return submitted_ - taken_; }

 private:
  struct Slot;

  Slot& slot(std::size_t number);

  Engine& engine_;
  std::vector<Slot> slots_;
  std::size_t submitted_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace eightfold::comm::engine
