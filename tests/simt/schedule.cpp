#include "tests/simt/schedule.hpp"

#include <algorithm>

namespace eightfold::simt {
namespace {

std::uint32_t lot(Random& random) {
  return static_cast<std::uint32_t>(random.next());
}

// Equal ranks for the threads of each group of `size`.
void rank_groups(std::vector<std::uint32_t>& ranks, unsigned size, Random& random) {
  for (std::size_t thread = 0; thread < ranks.size(); ++thread)
    ranks[thread] = thread % size == 0 ? lot(random) : ranks[thread - 1];
}

// The lowest rank for one group of `size` threads.
void starve_group(std::vector<std::uint32_t>& ranks, unsigned size, Random& random) {
  const std::size_t groups = (ranks.size() + size - 1) / size, starved = random.below(groups);
  for (std::size_t thread = 0; thread < ranks.size(); ++thread)
    ranks[thread] = thread / size == starved ? 0 : 1;
}

}  // namespace

void Schedule::begin(Order order, unsigned threads, Random& random) {
  ready_.clear();
  ranks_.assign(threads, 0);
  switch (order) {
    case Order::fair:
      break;
    case Order::warp_by_warp:
      rank_groups(ranks_, kWarp, random);
      break;
    case Order::by_thread:
      rank_groups(ranks_, 1, random);
      break;
    case Order::first_first:
      for (unsigned thread = 0; thread < threads; ++thread) ranks_[thread] = threads - thread;
      break;
    case Order::last_first:
      for (unsigned thread = 0; thread < threads; ++thread) ranks_[thread] = thread;
      break;
    case Order::starved_warp:
      starve_group(ranks_, kWarp, random);
      break;
    case Order::starved_thread:
      starve_group(ranks_, 1, random);
      break;
  }
}

void Schedule::add(unsigned thread, Random& random) {
  ready_.emplace_back(std::uint64_t{ranks_[thread]} << 32 | lot(random), thread);
  std::push_heap(ready_.begin(), ready_.end());
}

unsigned Schedule::take() {
  std::pop_heap(ready_.begin(), ready_.end());
  const unsigned thread = ready_.back().second;
  ready_.pop_back();
  return thread;
}

}  // namespace eightfold::simt
