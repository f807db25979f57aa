#pragma once

// The order in which the threads of a block run. A thread runs until it waits; then the ready one with the
// highest rank goes on, and among equals one at random. Ranks are random for each block, because a fair order
// hides mistakes. If all threads advance equally, none overwrites values that another has yet to read. Most
// orders are unfair: of two unordered steps of two threads, each comes first in some block.

#include "tests/simt/settings.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace eightfold::simt {

inline constexpr unsigned kWarp = 32;

enum class Order {
  fair,           // any thread
  warp_by_warp,   // one warp as far as it can, then another
  by_thread,      // one thread as far as it can, then another
  first_first,    // the lowest index
  last_first,     // the highest index
  starved_warp,   // one warp only when no other thread can go on
  starved_thread  // the same for one thread
};
inline constexpr int kOrders = 7;

class Schedule {
 public:
  // For a block of so many threads, none of which is ready.
  void begin(Order order, unsigned threads, Random& random);

  void add(unsigned thread, Random& random);
  bool is_empty() const noexcept { return ready_.empty(); }
  // The next one, which is no longer ready.
  unsigned take();

 private:
  std::vector<std::uint32_t> ranks_;                       // of the threads
  std::vector<std::pair<std::uint64_t, unsigned>> ready_;  // a heap by rank, then by lot
};

}  // namespace eightfold::simt
