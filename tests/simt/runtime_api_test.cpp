#include "kernels/elementwise.hpp"
#include "tests/simt/devices.hpp"
#include "tests/simt/live_objects.hpp"
#include "tests/simt/sanitizers.hpp"
#include "tests/simt/support.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>

namespace eightfold::simt::testing {
namespace {

__global__ void nothing_kernel() {}

__global__ void copy_kernel(const float* from, float* to, int count) {
  const auto i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < count) to[i] = from[i];
}

cudaError_t code_of(const std::function<void()>& call) {
  try {
    call();
    return cudaSuccess;
  } catch (const CudaError& error) {
    return static_cast<cudaError_t>(error.library_code());
  }
}

TEST_CASE("launches that no GPU would take are refused with CUDA's codes") {
  const Stream stream(kCuda);
  const auto launch_as = [&](dim3 grid, dim3 block, std::size_t shared_bytes = 0) {
    return code_of([&] { launch(stream, {grid, block, shared_bytes}, nothing_kernel); });
  };
  CHECK(launch_as(dim3(1), dim3(1024)) == cudaSuccess);
  CHECK(launch_as(dim3(1), dim3(1025)) == cudaErrorInvalidConfiguration);
  CHECK(launch_as(dim3(1), dim3(32, 32, 2)) == cudaErrorInvalidConfiguration);
  CHECK(launch_as(dim3(1), dim3(1, 1, 65)) == cudaErrorInvalidConfiguration);
  CHECK(launch_as(dim3(0), dim3(32)) == cudaErrorInvalidConfiguration);
  CHECK(launch_as(dim3(1), dim3(0)) == cudaErrorInvalidConfiguration);
  CHECK(launch_as(dim3(1, 65536), dim3(1)) == cudaErrorInvalidConfiguration);
  CHECK(launch_as(dim3(1), dim3(1), kDefaultSharedBytes) == cudaSuccess);
  CHECK(launch_as(dim3(1), dim3(1), kDefaultSharedBytes + 1) == cudaErrorInvalidValue);
  stream.view().synchronize();
}

TEST_CASE("a kernel gets more shared memory if it asks") {
  const Stream stream(kCuda);
  const int most = static_cast<int>(kLargestSharedBytes);
  CHECK(cudaFuncSetAttribute(nothing_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most + 1) ==
        cudaErrorInvalidValue);
  CHECK(cudaFuncSetAttribute(nothing_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, most) ==
        cudaSuccess);
  CHECK_NOTHROW(launch(stream, {dim3(1), dim3(1), kLargestSharedBytes}, nothing_kernel));
  cudaFuncSetAttribute(nothing_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, kDefaultSharedBytes);
  stream.view().synchronize();
}

TEST_CASE("errors have CUDA's names and are forgotten once asked for") {
  cudaStream_t stream = nullptr;
  CHECK(cudaStreamCreateWithFlags(&stream, cudaStreamDefault) == cudaErrorNotSupported);
  CHECK(cudaPeekAtLastError() == cudaErrorNotSupported);
  CHECK(cudaGetLastError() == cudaErrorNotSupported);
  CHECK(cudaGetLastError() == cudaSuccess);
  CHECK(std::string(cudaGetErrorName(cudaErrorInvalidValue)) == "cudaErrorInvalidValue");
  CHECK(std::string(cudaGetErrorString(cudaErrorInvalidValue)) == "invalid argument");
}

TEST_CASE("a device that does not exist, and memory that it does not have, are errors") {
  CHECK(cudaSetDevice(1) == cudaErrorInvalidDevice);
  CHECK_THROWS_AS(Stream(Device{kernels::DeviceKind::cuda, 1}), CudaError);
  CHECK_THROWS_AS(Buffer<float>(kCuda, std::size_t{1} << 40), base::EnvironmentError);
  cudaGetLastError();
}

TEST_CASE("copies check where their memory lies and ends") {
  const Stream stream(kCuda);
  const Buffer<float> values(kCuda, 8);
  std::vector<float> host(16);
  const cudaStream_t native = kernels::cuda::native(stream);
  CHECK(cudaMemcpyAsync(host.data(), values.data(), 32, cudaMemcpyDeviceToHost, native) == cudaSuccess);
  CHECK(cudaMemcpyAsync(host.data(), values.data(), 32, cudaMemcpyHostToDevice, native) ==
        cudaErrorInvalidMemcpyDirection);
  CHECK(cudaMemcpyAsync(host.data(), values.data(), 4096, cudaMemcpyDefault, native) ==
        cudaErrorInvalidValue);
  CHECK(cudaMemsetAsync(host.data(), 0, 4, native) == cudaErrorInvalidValue);
  CHECK(cudaFree(host.data()) == cudaErrorInvalidValue);
  stream.view().synchronize();
  cudaGetLastError();
}

TEST_CASE("an event makes one stream wait for another") {
  const Stream first(kCuda), second(kCuda);
  Event done(kCuda);
  const Buffer<float> from(kCuda, 300), to(kCuda, 300);
  for (int round = 1; round <= 20; ++round) {
    kernels::fill(first, static_cast<float>(round), from.tensor());
    done.record(first);
    done.wait(second);
    launch(second, {dim3(3), dim3(128)}, copy_kernel, from.data(), to.data(), 300);
    CHECK(on_host(second, to) == std::vector<float>(300, static_cast<float>(round)));
  }
}

TEST_CASE("an event is reached when its stream has come to it") {
  const Stream stream(kCuda);
  cudaEvent_t event = nullptr;
  REQUIRE(cudaEventCreate(&event) == cudaSuccess);
  CHECK(cudaEventQuery(event) == cudaSuccess);
  Mark gate;
  enqueue(kernels::cuda::native(stream), [&] { gate.wait(); });
  REQUIRE(cudaEventRecord(event, kernels::cuda::native(stream)) == cudaSuccess);
  CHECK(cudaEventQuery(event) == cudaErrorNotReady);
  CHECK(cudaStreamQuery(kernels::cuda::native(stream)) == cudaErrorNotReady);
  gate.pass();
  CHECK(cudaEventSynchronize(event) == cudaSuccess);
  CHECK(cudaEventQuery(event) == cudaSuccess);
  float milliseconds = -1;
  CHECK(cudaEventElapsedTime(&milliseconds, event, event) == cudaSuccess);
  CHECK(milliseconds == 0);
  CHECK(cudaEventDestroy(event) == cudaSuccess);
}

TEST_CASE("host functions run in the order of their stream") {
  const Stream stream(kCuda);
  std::vector<int> order;
  const cudaHostFn_t append = [](void* data) {
    auto& values = *static_cast<std::vector<int>*>(data);
    values.push_back(static_cast<int>(values.size()));
  };
  for (int i = 0; i < 5; ++i)
    REQUIRE(cudaLaunchHostFunc(kernels::cuda::native(stream), append, &order) == cudaSuccess);
  stream.view().synchronize();
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4});
}

TEST_CASE("hidden: a host function waits", "[.]") {
  const Stream held(kCuda), other(kCuda);
  Mark gate;
  Event passed(kCuda);
  const cudaHostFn_t wait = [](void* data) { static_cast<Mark*>(data)->wait(); };
  REQUIRE(cudaLaunchHostFunc(kernels::cuda::native(held), wait, &gate) == cudaSuccess);
  passed.record(held);
  const Buffer<float> values(kCuda, 5);
  kernels::fill(other, 2, values.tensor());
  CHECK(on_host(other, values) == std::vector<float>(5, 2.0F));
  CHECK(cudaStreamQuery(kernels::cuda::native(held)) == cudaErrorNotReady);
  passed.wait(other);  // now this stream waits for that one
  kernels::fill(other, 3, values.tensor());
  CHECK(cudaStreamQuery(kernels::cuda::native(other)) == cudaErrorNotReady);
  gate.pass();
  CHECK(on_host(other, values) == std::vector<float>(5, 3.0F));
}

TEST_CASE("a host function that waits holds up its own stream only, if streams share nothing") {
  CHECK(run_alone("hidden: a host function waits", kind_driver()).status == 0);
}

TEST_CASE("hidden: a thread waits for the device", "[.]") {
  const Stream held(kCuda), other(kCuda);
  Mark gate;
  const cudaHostFn_t wait = [](void* data) { static_cast<Mark*>(data)->wait(); };
  REQUIRE(cudaLaunchHostFunc(kernels::cuda::native(held), wait, &gate) == cudaSuccess);
  std::thread waiting([] { cudaDeviceSynchronize(); });
  {
    const Stream third(kCuda);
    kernels::cuda::launch(third, {dim3(1), dim3(32)}, nothing_kernel);
    third.view().synchronize();
  }
  gate.pass();
  waiting.join();
  CHECK(cudaStreamQuery(kernels::cuda::native(held)) == cudaSuccess);
}

TEST_CASE("while one thread waits for the device, others work on streams") {
  CHECK(run_alone("hidden: a thread waits for the device", kind_driver()).status == 0);
}

TEST_CASE("the runtime is out of bounds for host functions") {
  const Stream stream(kCuda);
  std::vector<cudaError_t> codes;
  const cudaHostFn_t call = [](void* data) {
    auto& result = *static_cast<std::vector<cudaError_t>*>(data);
    void* memory = nullptr;
    result = {cudaMalloc(&memory, 1), cudaDeviceSynchronize(), cudaStreamSynchronize(nullptr),
              cudaMemsetAsync(nullptr, 0, 0, nullptr)};
  };
  REQUIRE(cudaLaunchHostFunc(kernels::cuda::native(stream), call, &codes) == cudaSuccess);
  stream.view().synchronize();
  CHECK(codes == std::vector<cudaError_t>(4, cudaErrorNotPermitted));
}

TEST_CASE("two events tell the time between them, once both are reached") {
  const Stream stream(kCuda);
  const cudaStream_t native = kernels::cuda::native(stream);
  cudaEvent_t start = nullptr, end = nullptr, timeless = nullptr;
  REQUIRE(cudaEventCreate(&start) == cudaSuccess);
  REQUIRE(cudaEventCreate(&end) == cudaSuccess);
  REQUIRE(cudaEventCreateWithFlags(&timeless, cudaEventDisableTiming) == cudaSuccess);
  float milliseconds = -1;
  CHECK(cudaEventElapsedTime(&milliseconds, start, end) == cudaErrorInvalidResourceHandle);  // not recorded
  Mark gate;
  REQUIRE(cudaEventRecord(start, native) == cudaSuccess);
  const cudaHostFn_t wait = [](void* data) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    static_cast<Mark*>(data)->wait();
  };
  REQUIRE(cudaLaunchHostFunc(native, wait, &gate) == cudaSuccess);
  REQUIRE(cudaEventRecord(end, native) == cudaSuccess);
  REQUIRE(cudaEventRecord(timeless, native) == cudaSuccess);
  CHECK(cudaEventElapsedTime(&milliseconds, start, end) == cudaErrorNotReady);
  gate.pass();
  CHECK(cudaEventSynchronize(end) == cudaSuccess);
  CHECK(cudaEventElapsedTime(&milliseconds, start, end) == cudaSuccess);
  CHECK(milliseconds >= 2);
  CHECK(cudaEventElapsedTime(&milliseconds, start, timeless) == cudaErrorInvalidResourceHandle);
  for (const cudaEvent_t event : {start, end, timeless}) CHECK(cudaEventDestroy(event) == cudaSuccess);
  cudaGetLastError();
}

TEST_CASE("pointers are known for what they are") {
  const Buffer<float> values(kCuda, 3);
  const PinnedBuffer<float> pinned(kCuda, 3);
  const float host = 0;
  cudaPointerAttributes attributes;
  REQUIRE(cudaPointerGetAttributes(&attributes, values.data() + 1) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeDevice);
  REQUIRE(cudaPointerGetAttributes(&attributes, pinned.data()) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeHost);
  REQUIRE(cudaPointerGetAttributes(&attributes, &host) == cudaSuccess);
  CHECK(attributes.type == cudaMemoryTypeUnregistered);
}

TEST_CASE("memory is freed in the order of the stream") {
  const Stream stream(kCuda);
  const cudaStream_t native = kernels::cuda::native(stream);
  const LiveObjects before = live_objects();
  void* data = nullptr;
  REQUIRE(cudaMallocAsync(&data, 100, native) == cudaSuccess);
  CHECK(cudaMemsetAsync(data, 1, 100, native) == cudaSuccess);
  CHECK(cudaFreeAsync(data, native) == cudaSuccess);
  stream.view().synchronize();
  CHECK(live_objects() == before);
}

// ---- What must end a program: each in a program of its own.

TEST_CASE("hidden: the host reads device memory", "[.]") {
  const Buffer<float> values(kCuda, 100);
  CHECK(values.data()[3] == 0);
}

TEST_CASE("the host dies when it follows a pointer to device memory") {
  const test::Finished end = run_alone("hidden: the host reads device memory");
  CAPTURE(end.err);
  CHECK(end.status == -SIGABRT);
  CHECK(end.err.find("host access to device memory") != std::string::npos);
  CHECK(end.err.find("byte 12 of 400 allocated by") != std::string::npos);
  CHECK(end.err.find("CudaRuntime::allocate") != std::string::npos);
}

TEST_CASE("hidden: a kernel writes far beyond", "[.]") {
  const Stream stream(kCuda);
  const Buffer<float> values(kCuda, 100);
  float* beyond = values.data() + 100 + 1024;
  launch(stream, {dim3(1), dim3(1)}, copy_kernel, values.data(), beyond, 1);
  stream.view().synchronize();
}

TEST_CASE("a kernel dies that leaves its memory") {
  const test::Finished end = run_alone("hidden: a kernel writes far beyond");
  CAPTURE(end.err);
  CHECK(end.status != 0);
  CHECK(end.err.find("access beyond device memory") != std::string::npos);
}

void copy_on_one_stream_compute_on_another(bool with_event) {
  const Stream copies(kCuda), compute(kCuda);
  const std::vector<float> ones(64, 1.0F);
  PinnedBuffer<float> source(kCuda, ones.size());
  std::copy(ones.begin(), ones.end(), source.data());
  Event copied(kCuda);
  for (int round = 0; round < 10; ++round) {
    const Buffer<float> from(kCuda, 64), to(kCuda, 64);
    copy(copies, source.tensor(Shape{64}), from.tensor());
    copied.record(copies);
    if (with_event) copied.wait(compute);
    launch(compute, {dim3(1), dim3(64)}, copy_kernel, from.data(), to.data(), 64);
    REQUIRE(on_host(compute, to) == ones);
    copies.view().synchronize();
  }
}

TEST_CASE("hidden: compute waits for the copy", "[.]") {
  copy_on_one_stream_compute_on_another(true);
}

TEST_CASE("hidden: compute does not wait for the copy", "[.]") {
  copy_on_one_stream_compute_on_another(false);
}

TEST_CASE("delays bring a missing event to light") {
  const auto delays = kind_driver_but({{"SIMT_DELAY", "0.5/5000"}});  // a shared queue would keep an order
  CHECK(run_alone("hidden: compute waits for the copy", delays).status == 0);
  CHECK(run_alone("hidden: compute does not wait for the copy", delays).status != 0);
}

TEST_CASE("hidden: two devices", "[.]") {
  const Device other{kernels::DeviceKind::cuda, 1};
  REQUIRE(kernels::device_count(kernels::DeviceKind::cuda) == 2);
  const Stream stream(other);
  const Buffer<float> values(other, 5);
  kernels::fill(stream, 2, values.tensor());
  CHECK(on_host(stream, values) == std::vector<float>(5, 2.0F));
  REQUIRE(cudaSetDevice(0) == cudaSuccess);
  cudaLaunchConfig_t config{};
  config.gridDim = config.blockDim = dim3(1);
  config.stream = kernels::cuda::native(stream);
  CHECK(cudaLaunchKernelEx(&config, nothing_kernel) == cudaErrorInvalidResourceHandle);
}

TEST_CASE("there are as many devices as the environment says") {
  CHECK(run_alone("hidden: two devices", {{"SIMT_DEVICES", "2"}}).status == 0);
  CHECK(run_alone("hidden: no device", {{"SIMT_DEVICES", "0"}}).status == 0);
}

TEST_CASE("hidden: no device", "[.]") {
  CHECK(kernels::device_count(kernels::DeviceKind::cuda) == 0);
  CHECK_THROWS_AS(Stream(kCuda), CudaError);
}

TEST_CASE("settings that make no sense end the program with their name") {
  const test::Finished end = run_alone("hidden: no device", {{"SIMT_DELAY", "2/5"}});
  CHECK(end.status == 3);
  CHECK(end.err.find("SIMT_DELAY=2/5: must be") != std::string::npos);
}

#ifdef EIGHTFOLD_ASAN

TEST_CASE("hidden: one element too many in device memory", "[.]") {
  const Stream stream(kCuda);
  const Buffer<float> from(kCuda, 62), to(kCuda, 61);
  launch(stream, {dim3(1), dim3(62)}, copy_kernel, from.data(), to.data(), 62);
  stream.view().synchronize();
}

__global__ void shared_overrun_kernel(float* out) {
  SHARED_ARRAY(float, values, 32);
  values[threadIdx.x] = 1;
  __syncthreads();
  const float* next = values + 1;
  out[threadIdx.x] = next[threadIdx.x];
}

TEST_CASE("hidden: one element too many in shared memory", "[.]") {
  const Stream stream(kCuda);
  const Buffer<float> out(kCuda, 32);
  launch(stream, {dim3(1), dim3(32)}, shared_overrun_kernel, out.data());
  stream.view().synchronize();
}

TEST_CASE("AddressSanitizer sees one element too many in device and in shared memory") {
  const test::Finished device = run_alone("hidden: one element too many in device memory");
  CHECK(device.status != 0);
  CHECK(device.err.find("use-after-poison") != std::string::npos);
  const test::Finished shared = run_alone("hidden: one element too many in shared memory");
  CHECK(shared.status != 0);
  CHECK(shared.err.find("heap-buffer-overflow") != std::string::npos);
}

#endif

}  // namespace
}  // namespace eightfold::simt::testing
