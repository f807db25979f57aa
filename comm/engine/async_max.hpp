#pragma once

// A number that every rank names once a step, and its maximum over the ranks, without anybody waiting for it:
// how ranks agree to stop. The messages travel beside the buckets, on the engine.

#include "comm/engine/engine.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace eightfold::comm::engine {

class Vote {
 public:
  // Up to `pending` votes are under way; `engine` outlives this.
  Vote(Engine& engine, std::size_t pending);
  ~Vote();
  Vote(const Vote&) = delete;  // the engine's work refers to it
  Vote& operator=(const Vote&) = delete;

  // Returns at once. Every rank casts as often, at the same place among what it submits to the engine.
  // Requires: fewer than `pending` are under way.
  void cast(std::uint32_t value);
  // The maximum of the oldest vote that is under way, the same on every rank. Blocks until it, and what was
  // submitted to the engine before it, is over. Throws what the engine failed with.
  std::uint32_t outcome();

  std::size_t under_way() const noexcept { return cast_ - taken_; }

 private:
  struct Ballot;

  Ballot& ballot(std::size_t number);

  Engine& engine_;
  std::vector<Ballot> ballots_;
  std::size_t cast_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace eightfold::comm::engine
