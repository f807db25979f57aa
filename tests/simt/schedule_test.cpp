#include "tests/simt/schedule.hpp"

#include "tests/simt/support.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <numeric>

namespace eightfold::simt::testing {
namespace {

constexpr unsigned kThreads = 100;  // the last warp is not whole

// Threads as they come when each is ready `times` times, and ready again as soon as it has run.
std::vector<unsigned> turns(Order order, int times, std::uint64_t seed) {
  Random random(seed);
  Schedule schedule;
  schedule.begin(order, kThreads, random);
  std::vector<int> left(kThreads, times);
  for (unsigned thread = 0; thread < kThreads; ++thread) schedule.add(thread, random);
  std::vector<unsigned> result;
  while (!schedule.is_empty()) {
    result.push_back(schedule.take());
    if (--left[result.back()] > 0) schedule.add(result.back(), random);
  }
  return result;
}

// Lengths of the runs of equal elements.
template <class Value>
std::size_t runs(const std::vector<Value>& values) {
  std::size_t count = values.empty() ? 0 : 1;
  for (std::size_t i = 1; i < values.size(); ++i) count += values[i] != values[i - 1] ? 1 : 0;
  return count;
}

std::vector<unsigned> warps_of(std::vector<unsigned> threads) {
  for (unsigned& thread : threads) thread /= kWarp;
  return threads;
}

TEST_CASE("in every order every ready thread gets its turn") {
  for (int order = 0; order < kOrders; ++order) {
    std::vector<unsigned> order_of_turns = turns(static_cast<Order>(order), 3, 1), expected;
    std::sort(order_of_turns.begin(), order_of_turns.end());
    for (unsigned turn = 0; turn < 3 * kThreads; ++turn) expected.push_back(turn / 3);
    CHECK(order_of_turns == expected);
  }
}

TEST_CASE("a thread or a warp goes as far as it can where the order says so") {
  CHECK(runs(turns(Order::by_thread, 5, 1)) == kThreads);
  CHECK(runs(warps_of(turns(Order::warp_by_warp, 5, 1))) == 4);
  CHECK(runs(turns(Order::warp_by_warp, 5, 1)) > kThreads);
  CHECK(runs(warps_of(turns(Order::fair, 5, 1))) > kThreads);
  const std::vector<unsigned> first = turns(Order::first_first, 2, 1), last = turns(Order::last_first, 2, 1);
  CHECK(std::is_sorted(first.begin(), first.end()));
  CHECK(std::is_sorted(last.rbegin(), last.rend()));
}

TEST_CASE("who is starved comes last, and is not always the same") {
  std::vector<unsigned> threads, warps;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<unsigned> by_thread = turns(Order::starved_thread, 4, seed);
    CHECK(std::count(by_thread.end() - 4, by_thread.end(), by_thread.back()) == 4);
    threads.push_back(by_thread.back());
    const std::vector<unsigned> by_warp = warps_of(turns(Order::starved_warp, 4, seed));
    const auto size = 4 * std::min<std::ptrdiff_t>(kWarp, kThreads - kWarp * by_warp.back());
    CHECK(std::count(by_warp.end() - size, by_warp.end(), by_warp.back()) == size);
    warps.push_back(by_warp.back());
  }
  CHECK(runs(threads) > 10);
  CHECK(runs(warps) > 5);
}

TEST_CASE("an order comes back with its seed") {
  for (int order = 0; order < kOrders; ++order)
    CHECK(turns(static_cast<Order>(order), 3, 7) == turns(static_cast<Order>(order), 3, 7));
  CHECK(turns(Order::fair, 3, 7) != turns(Order::fair, 3, 8));
}

// Two sums over warps that take turns in the same memory. Between them a barrier is missing. It shows only if
// a whole warp reaches the second one before the first thread has read the first.
__global__ void sum_twice_kernel(int* sums) {
  SHARED_ARRAY(int, of_warp, 4);
  for (int round = 1; round <= 2; ++round) {
    const int sum = __reduce_add_sync(0xFFFFFFFFU, round);
    if (threadIdx.x % kWarp == 0) of_warp[threadIdx.x / kWarp] = sum;
    __syncthreads();
    if (threadIdx.x == 0)
      sums[2 * blockIdx.x + round - 1] = of_warp[0] + of_warp[1] + of_warp[2] + of_warp[3];
  }
}

TEST_CASE("a missing barrier before memory is used again shows in some blocks, though not in all") {
  constexpr unsigned kBlocks = 64;
  const Stream stream(kCuda);
  const Buffer<int> sums(kCuda, 2 * kBlocks);
  launch(stream, {dim3(kBlocks), dim3(128)}, sum_twice_kernel, sums.data());
  const std::vector<int> result = on_host(stream, sums);
  std::size_t wrong = 0;
  for (std::size_t block = 0; block < kBlocks; ++block) wrong += result[2 * block] != 128 ? 1 : 0;
  CHECK(wrong > 0);
  CHECK(wrong < kBlocks);
  for (std::size_t block = 0; block < kBlocks; ++block) CHECK(result[2 * block + 1] == 256);
}

}  // namespace
}  // namespace eightfold::simt::testing
