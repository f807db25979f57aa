#include "tests/simt/block.hpp"

#include "tests/simt/support.hpp"
#include "tests/support/test.hpp"

#include <cmath>
#include <numeric>
#include <set>

namespace eightfold::simt::testing {
namespace {

std::vector<float> counting(std::size_t count) {
  std::vector<float> values(count);
  std::iota(values.begin(), values.end(), 1.0F);
  return values;
}

__global__ void transpose_kernel(const float* from, float* to, int rows, int columns) {
  constexpr int kTile = 8;
  SHARED_ARRAY(float, tile, kTile* kTile);
  const int row = static_cast<int>(blockIdx.y * kTile + threadIdx.y);
  const int column = static_cast<int>(blockIdx.x * kTile + threadIdx.x);
  if (row < rows && column < columns) tile[threadIdx.y * kTile + threadIdx.x] = from[row * columns + column];
  __syncthreads();
  const int to_row = static_cast<int>(blockIdx.x * kTile + threadIdx.y);
  const int to_column = static_cast<int>(blockIdx.y * kTile + threadIdx.x);
  if (to_row < columns && to_column < rows)
    to[to_row * rows + to_column] = tile[threadIdx.x * kTile + threadIdx.y];
}

TEST_CASE("a tile in shared memory transposes a matrix with ragged edges") {
  const int rows = 13, columns = 21;
  const Stream stream(kCuda);
  const std::vector<float> values = counting(rows * columns);
  const Buffer<float> from = on_device<float>(stream, values), to(kCuda, rows * columns);
  launch(stream, {dim3(3, 2), dim3(8, 8)}, transpose_kernel, from.data(), to.data(), rows, columns);
  const std::vector<float> result = on_host(stream, to);
  bool is_transposed = true;
  for (std::size_t row = 0; row < rows; ++row)
    for (std::size_t column = 0; column < columns; ++column)
      is_transposed = is_transposed && result[column * rows + row] == values[row * columns + column];
  CHECK(is_transposed);
}

// Each block reverses its elements in shared memory whose size the launch decides.
__global__ void reverse_kernel(float* values) {
  float* copy = kernels::cuda::dynamic_shared<float>();
  float* own = values + blockIdx.x * blockDim.x;
  copy[threadIdx.x] = own[threadIdx.x];
  __syncthreads();
  own[threadIdx.x] = copy[blockDim.x - 1 - threadIdx.x];
}

TEST_CASE("dynamic shared memory belongs to the block") {
  const Stream stream(kCuda);
  const Buffer<float> values = on_device<float>(stream, {1, 2, 3, 4, 5, 6});
  launch(stream, {dim3(2), dim3(3), 3 * sizeof(float)}, reverse_kernel, values.data());
  CHECK(on_host(stream, values) == std::vector<float>{3, 2, 1, 6, 5, 4});
}

__global__ void visits_kernel(int* visits, int* blocks) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  const unsigned threads = blockDim.x * blockDim.y * blockDim.z;
  atomicAdd(&visits[block * threads + thread], 1);
  if (thread == 0) atomicAdd(blocks, 1);
}

TEST_CASE("every thread of a three-dimensional grid runs once") {
  const Stream stream(kCuda);
  const int blocks = 3 * 2 * 4, threads = 5 * 3 * 2;
  const Buffer<int> visits(kCuda, blocks * threads), count(kCuda, 1);
  launch(stream, {dim3(3, 2, 4), dim3(5, 3, 2)}, visits_kernel, visits.data(), count.data());
  CHECK(on_host(stream, visits) == std::vector<int>(blocks * threads, 1));
  CHECK(on_host(stream, count) == std::vector<int>{blocks});
}

__global__ void histogram_kernel(const float* values, std::int64_t count, int* bins) {
  SHARED_ARRAY(int, own, 7);
  if (threadIdx.x < 7) own[threadIdx.x] = 0;
  __syncthreads();
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += stride)
    atomicAdd(&own[static_cast<int>(values[i]) % 7], 1);
  __syncthreads();
  if (threadIdx.x < 7) atomicAdd(&bins[threadIdx.x], own[threadIdx.x]);
}

TEST_CASE("a grid-stride histogram counts every element once") {
  const Stream stream(kCuda);
  const Buffer<float> values = on_device(stream, counting(1000));
  const Buffer<int> bins(kCuda, 7);
  launch(stream, {dim3(3), dim3(64)}, histogram_kernel, values.data(), std::int64_t{1000}, bins.data());
  CHECK(on_host(stream, bins) == std::vector<int>{142, 143, 143, 143, 143, 143, 143});
}

__global__ void early_exit_kernel(int* sums) {
  SHARED_ARRAY(int, sum, 1);
  if (threadIdx.x == 0) sum[0] = 0;
  __syncthreads();
  if (threadIdx.x % 3 == 0 && threadIdx.x != 0) return;
  atomicAdd(sum, 1);
  __syncthreads();
  if (threadIdx.x == 0) sums[blockIdx.x] = sum[0];
}

TEST_CASE("a thread that has ended counts as arrived at a barrier") {
  const Stream stream(kCuda);
  const Buffer<int> sums(kCuda, 2);
  launch(stream, {dim3(2), dim3(40)}, early_exit_kernel, sums.data());
  CHECK(on_host(stream, sums) == std::vector<int>{27, 27});
}

__global__ void counted_barriers_kernel(int* out) {
  const int count = __syncthreads_count(threadIdx.x < 5);
  const int any = __syncthreads_or(threadIdx.x == 17);
  const int all = __syncthreads_and(threadIdx.x < 17);
  if (threadIdx.x == 3) out[0] = 100 * count + 10 * any + all;
}

TEST_CASE("barriers count what the threads bring") {
  const Stream stream(kCuda);
  const Buffer<int> out(kCuda, 1);
  launch(stream, {dim3(1), dim3(48)}, counted_barriers_kernel, out.data());
  CHECK(on_host(stream, out) == std::vector<int>{510});
}

// ---- What must be found.

__global__ void reverse_without_barrier_kernel(float* values) {
  SHARED_ARRAY(float, copy, 64);
  copy[threadIdx.x] = values[threadIdx.x];
  values[threadIdx.x] = copy[63 - threadIdx.x];
}

TEST_CASE("a missing barrier shows as a NaN") {
  const Stream stream(kCuda);
  const Buffer<float> values = on_device(stream, counting(64));
  launch(stream, {dim3(1), dim3(64)}, reverse_without_barrier_kernel, values.data());
  const std::vector<float> result = on_host(stream, values);
  CHECK(std::any_of(result.begin(), result.end(), [](float value) { return std::isnan(value); }));
}

__global__ void shared_contents_kernel(int* out) {
  SHARED_ARRAY(int, fresh, 1);
  out[blockIdx.x] = fresh[0];
  fresh[0] = 7;
}

TEST_CASE("no block sees the shared memory of an earlier one") {
  const Stream stream(kCuda);
  const Buffer<int> out(kCuda, 5);
  launch(stream, {dim3(5), dim3(1)}, shared_contents_kernel, out.data());
  CHECK(on_host(stream, out) == std::vector<int>(5, -1));
}

constexpr int kLineOfFew = __LINE__ + 3;
__global__ void diverging_kernel() {
  if (threadIdx.x < 3)
    __syncthreads();
  else
    __syncthreads();
}

TEST_CASE("barriers in two branches are an error that names kernel, block and both lines") {
  const Stream stream(kCuda);
  launch(stream, {dim3(1, 1, 1), dim3(40)}, diverging_kernel);
  const std::string failure = failure_of(stream);
  CAPTURE(failure);
  CHECK(failure.find("diverging_kernel") != std::string::npos);
  CHECK(failure.find("block (0, 0, 0)") != std::string::npos);
  CHECK(failure.find(fmt::format("3 from (0, 0, 0) on: __syncthreads at {}:{}", __FILE__, kLineOfFew)) !=
        std::string::npos);
  CHECK(failure.find(fmt::format("37 from (3, 0, 0) on: __syncthreads at {}:{}", __FILE__, kLineOfFew + 2)) !=
        std::string::npos);
}

__global__ void half_waiting_kernel() {
  if (threadIdx.x < 16) __syncwarp();
  if (threadIdx.x >= 16) __syncthreads();
}

TEST_CASE("a warp whose lanes wait for different things is an error, not a hang") {
  const Stream stream(kCuda);
  launch(stream, {dim3(1), dim3(32)}, half_waiting_kernel);
  const std::string failure = failure_of(stream);
  CAPTURE(failure);
  CHECK(failure.find("__syncwarp") != std::string::npos);
  CHECK(failure.find("__syncthreads") != std::string::npos);
}

__global__ void throwing_kernel(int* destroyed) {
  struct Guard {
    int* count;
    ~Guard() { atomicAdd(count, 1); }
  } guard{destroyed};
  if (threadIdx.x == 5) throw std::runtime_error("thread 5 gave up");
  __syncthreads();
}

TEST_CASE("what a thread throws becomes the stream's error, and other threads are unwound") {
  const Buffer<int> destroyed(kCuda, 1);
  {
    const Stream stream(kCuda);
    launch(stream, {dim3(1), dim3(8)}, throwing_kernel, destroyed.data());
    CHECK(failure_of(stream).find("thread 5 gave up") != std::string::npos);
    CHECK_FALSE(failure_of(stream).empty());
  }
  const Stream other(kCuda);
  const int count = on_host(other, destroyed)[0];
  CHECK(count >= 1);
  CHECK(count <= 8);
}

__global__ void order_kernel(int* order, int* next) {
  order[blockIdx.x * blockDim.x + threadIdx.x] = atomicAdd(&next[blockIdx.x], 1);
}

TEST_CASE("threads of a block run in an order that changes from block to block") {
  constexpr unsigned kBlocks = 16, kThreads = 64;
  const Stream stream(kCuda);
  const Buffer<int> order(kCuda, kBlocks * kThreads), next(kCuda, kBlocks);
  launch(stream, {dim3(kBlocks), dim3(kThreads)}, order_kernel, order.data(), next.data());
  const std::vector<int> all = on_host(stream, order);
  std::set<std::vector<int>> orders;
  for (auto block = all.begin(); block != all.end(); block += kThreads)
    orders.emplace(block, block + kThreads);
  CHECK(orders.size() > 2);
}

TEST_CASE("device functions outside of a kernel are an error") {
  CHECK_THROWS_AS(__syncthreads(), KernelError);
}

}  // namespace
}  // namespace eightfold::simt::testing
