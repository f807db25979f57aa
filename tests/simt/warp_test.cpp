#include "tests/simt/warp.hpp"

#include "tests/simt/support.hpp"
#include "tests/support/test.hpp"

#include <cmath>

namespace eightfold::simt::testing {
namespace {

constexpr unsigned kAll = 0xFFFFFFFFU;

// The results of all lanes of one warp.
std::vector<int> run_warp(void (*kernel)(int*), unsigned threads = kWarp) {
  const Stream stream(kCuda);
  const Buffer<int> out(kCuda, threads);
  launch(stream, {dim3(1), dim3(threads)}, kernel, out.data());
  return on_host(stream, out);
}

std::vector<int> expected(const std::function<int(int)>& of_lane, int threads = kWarp) {
  std::vector<int> values;
  for (int lane = 0; lane < threads; ++lane) values.push_back(of_lane(lane));
  return values;
}

__global__ void sum_kernel(const float* values, float* sums) {
  float sum = values[blockIdx.x * blockDim.x + threadIdx.x];
  for (unsigned distance = 16; distance > 0; distance /= 2) sum += __shfl_down_sync(kAll, sum, distance);
  if (threadIdx.x % 32 == 0) atomicAdd(&sums[blockIdx.x], sum);
}

TEST_CASE("shuffles add the elements of each warp") {
  const Stream stream(kCuda);
  std::vector<float> values(4 * 96);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const Buffer<float> from = on_device(stream, values), sums(kCuda, 4);
  launch(stream, {dim3(4), dim3(96)}, sum_kernel, from.data(), sums.data());
  CHECK(on_host(stream, sums) == std::vector<float>{4560, 13776, 22992, 32208});
}

TEST_CASE("shuffles read up, down, across and from a lane, within their section") {
  const auto up = [](int* out) {
    out[threadIdx.x] = __shfl_up_sync(kAll, static_cast<int>(threadIdx.x), 3, 8);
  };
  CHECK(run_warp(up) == expected([](int lane) { return lane % 8 >= 3 ? lane - 3 : lane; }));
  const auto down = [](int* out) {
    out[threadIdx.x] = __shfl_down_sync(kAll, static_cast<int>(threadIdx.x), 3, 8);
  };
  CHECK(run_warp(down) == expected([](int lane) { return lane % 8 < 5 ? lane + 3 : lane; }));
  const auto across = [](int* out) {
    out[threadIdx.x] = __shfl_xor_sync(kAll, static_cast<int>(threadIdx.x), 5);
  };
  CHECK(run_warp(across) == expected([](int lane) { return lane ^ 5; }));
  const auto from = [](int* out) {
    out[threadIdx.x] = __shfl_sync(kAll, static_cast<int>(threadIdx.x), 6, 16);
  };
  CHECK(run_warp(from) == expected([](int lane) { return lane / 16 * 16 + 6; }));
}

TEST_CASE("shuffles carry 64-bit values") {
  const auto kernel = [](int* out) {
    const double value = __shfl_sync(kAll, 0.5 + threadIdx.x, 31);
    out[threadIdx.x] = value == 31.5;
  };
  CHECK(run_warp(kernel) == expected([](int) { return 1; }));
}

TEST_CASE("votes see all lanes") {
  const auto ballot = [](int* out) {
    out[threadIdx.x] = static_cast<int>(__ballot_sync(kAll, threadIdx.x % 2));
  };
  CHECK(run_warp(ballot) == expected([](int) { return static_cast<int>(0xAAAAAAAAU); }));
  const auto any_and_all = [](int* out) {
    const int lane = static_cast<int>(threadIdx.x);
    out[lane] = 1000 * __any_sync(kAll, lane == 3) + 100 * __any_sync(kAll, lane > 99) +
                10 * __all_sync(kAll, lane < 32) + __all_sync(kAll, lane != 3);
  };
  CHECK(run_warp(any_and_all) == expected([](int) { return 1010; }));
  const auto match = [](int* out) {
    out[threadIdx.x] = std::popcount(__match_any_sync(kAll, threadIdx.x / 10));
  };
  CHECK(run_warp(match) == expected([](int lane) { return lane < 30 ? 10 : 2; }));
}

TEST_CASE("reductions combine all lanes") {
  const auto kernel = [](int* out) {
    const int lane = static_cast<int>(threadIdx.x);
    const int sum = __reduce_add_sync(kAll, lane), least = __reduce_min_sync(kAll, lane - 4),
              most = __reduce_max_sync(kAll, lane);
    out[lane] = sum == 496 && least == -4 && most == 31 && __reduce_or_sync(kAll, threadIdx.x) == 31 &&
                __reduce_and_sync(kAll, threadIdx.x) == 0;
  };
  CHECK(run_warp(kernel) == expected([](int) { return 1; }));
}

TEST_CASE("a warp knows whether all its lanes brought the same") {
  const auto kernel = [](int* out) {
    int same = 7, different = 7;
    const unsigned all = __match_all_sync(kAll, 5, &same);
    const unsigned none = __match_all_sync(kAll, threadIdx.x == 9, &different);
    out[threadIdx.x] = all == kAll && same == 1 && none == 0 && different == 0;
  };
  CHECK(run_warp(kernel) == expected([](int) { return 1; }));
}

TEST_CASE("an operation waits for the lanes of its mask only") {
  const auto kernel = [](int* out) {
    const bool is_low = threadIdx.x < 16;
    const unsigned mask = is_low ? 0x0000FFFFU : 0xFFFF0000U;
    out[threadIdx.x] = is_low ? static_cast<int>(__ballot_sync(mask, 1))
                              : __shfl_sync(mask, static_cast<int>(threadIdx.x), 20);
  };
  CHECK(run_warp(kernel) == expected([](int lane) { return lane < 16 ? 0xFFFF : 20; }));
}

TEST_CASE("lanes beyond the block and lanes that have ended do not hold up their warp") {
  const auto kernel = [](int* out) {
    if (threadIdx.x % 2 == 1) return;
    out[threadIdx.x] = static_cast<int>(__ballot_sync(kAll, 1));
  };
  CHECK(run_warp(kernel, 9) == expected([](int lane) { return lane % 2 == 0 ? 0x155 : 0; }, 9));
}

TEST_CASE("a lane that does not take part gives a NaN") {
  const auto kernel = [](int* out) {
    if (threadIdx.x == 4) return;
    out[threadIdx.x] = std::isnan(__shfl_sync(kAll, 1.0F, 4));
  };
  CHECK(run_warp(kernel) == expected([](int lane) { return lane != 4; }));
}

TEST_CASE("a warp may meet at a __syncwarp of each branch") {
  const auto kernel = [](int* out) {
    if (threadIdx.x % 2 == 0) {
      __syncwarp();
    } else {
      __syncwarp();
    }
    out[threadIdx.x] = 1;
  };
  CHECK(run_warp(kernel) == expected([](int) { return 1; }));
}

TEST_CASE("a lane outside of its own mask is an error") {
  const Stream stream(kCuda);
  const Buffer<int> out(kCuda, 32);
  void (*kernel)(int*) = [](int* results) { results[threadIdx.x] = __any_sync(0x7FFFFFFFU, 1); };
  launch(stream, {dim3(1), dim3(32)}, kernel, out.data());
  CHECK(failure_of(stream).find("mask 0x7fffffff by lane 31, which is not in it") != std::string::npos);
}

TEST_CASE("lanes that meet in different operations are an error") {
  const Stream stream(kCuda);
  const Buffer<int> out(kCuda, 32);
  void (*kernel)(int*) = [](int* results) {
    results[threadIdx.x] = threadIdx.x == 0 ? __any_sync(kAll, 1) : __all_sync(kAll, 1);
  };
  launch(stream, {dim3(1), dim3(32)}, kernel, out.data());
  const std::string failure = failure_of(stream);
  CAPTURE(failure);
  CHECK(failure.find("1 from (0, 0, 0) on: __any_sync") != std::string::npos);
  CHECK(failure.find("31 from (1, 0, 0) on: __all_sync") != std::string::npos);
}

}  // namespace
}  // namespace eightfold::simt::testing
