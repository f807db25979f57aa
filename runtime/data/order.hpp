#pragma once

// The order in which the samples of an epoch are visited: a pure function of (seed, epoch, position). No list
// is shuffled, stored or sent. Every rank computes the few indices it needs, and resuming needs the step
// number alone.

#include "kernels/random.hpp"

#include <cstdint>

namespace eightfold::runtime::data {

// A pseudo-random permutation of [0, size), evaluated at one position. It is a Feistel network over the
// smallest near-square grid that holds `size`, applied again while the result lies outside. The grid exceeds
// `size` by less than one of its sides, so that the expected number of applications is close to 1. Each key
// gives another permutation; indices 0 .. 8 * 2^32 of the key's numbers are used. Requires: position < size.
std::uint64_t permuted(const kernels::RandomKey& key, std::uint64_t size, std::uint64_t position);

// The order of a data set of `size` samples: a new permutation in every epoch.
class SampleOrder {
 public:
  SampleOrder(std::uint64_t seed, std::int64_t size);

  std::int64_t size() const noexcept { return size_; }
  // The sample visited at `position` of `epoch`. Requires: 0 <= position < size, 0 <= epoch < 2^32.
  std::int64_t at(std::int64_t epoch, std::int64_t position) const;

 private:
  std::uint64_t seed_;
  std::int64_t size_;
};

}  // namespace eightfold::runtime::data
