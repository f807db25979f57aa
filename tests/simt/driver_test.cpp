// What each setting of a hostile driver does, and does not (docs/simt.md). The settings are a process's: each
// case runs in a program of its own.

#include "tests/simt/devices.hpp"
#include "tests/simt/support.hpp"
#include "tests/support/test.hpp"

#include <atomic>
#include <thread>

namespace eightfold::simt::testing {
namespace {

__global__ void nothing_kernel() {}
__global__ void other_kernel() {}

template <class Kernel>
void launch_one(const Stream& stream, Kernel* kernel) {
  launch(stream, {dim3(1), dim3(1)}, kernel);
}

test::Finished run_under(std::map<std::string, std::string> settings, const std::string& test_case) {
  settings.emplace("SIMT_DEADLOCK", "5000");
  return run_alone("hidden: " + test_case, kind_driver_but(std::move(settings)));
}

// ---- Hardware queues.

TEST_CASE("hidden: a kernel waits for one of another stream", "[.]") {
  const Stream first(kCuda), second(kCuda);
  Mark done;
  enqueue(kernels::cuda::native(first), [&] { done.wait(); });
  enqueue(kernels::cuda::native(second), [&] { done.pass(); });
  first.view().synchronize();
  second.view().synchronize();
}

// A host function of the first stream waits for a kernel of the last. Of four streams the second waits for
// the first.
void wait_for_the_last_of(int count) {
  std::vector<Stream> streams;
  for (int i = 0; i < count; ++i) streams.emplace_back(kCuda);
  Mark done;
  const cudaHostFn_t wait = [](void* data) { static_cast<Mark*>(data)->wait(); };
  REQUIRE(cudaLaunchHostFunc(kernels::cuda::native(streams[0]), wait, &done) == cudaSuccess);
  if (count == 4) {
    Event ended(kCuda);
    ended.record(streams[0]);
    ended.wait(streams[1]);
  }
  enqueue(kernels::cuda::native(streams.back()), [&] { done.pass(); });
  streams[0].view().synchronize();
}

TEST_CASE("hidden: a kernel two streams after a host function", "[.]") {
  wait_for_the_last_of(3);
}
TEST_CASE("hidden: a kernel two streams after a wait for an event", "[.]") {
  wait_for_the_last_of(4);
}

TEST_CASE("a host function and a wait for an event hold up a hardware queue until they are over") {
  using Settings = std::map<std::string, std::string>;
  const Settings shared{{"SIMT_QUEUES", "2"}, {"SIMT_DEADLOCK", "150"}}, apart{{"SIMT_QUEUES", "4"}};
  for (const std::string what : {"a host function", "a wait for an event"}) {
    CAPTURE(what);
    CHECK(run_under(shared, "a kernel two streams after " + what).status == 87);
    CHECK(run_under(apart, "a kernel two streams after " + what).status == 0);
  }
}

TEST_CASE("kernels of one hardware queue run at once") {
  CHECK(run_under({{"SIMT_QUEUES", "1"}}, "a kernel waits for one of another stream").status == 0);
}

// ---- Lazy loading.

// Whether another stream's work is over when `call` returns.
bool waits_for_device(const std::function<void()>& call) {
  const Stream busy(kCuda);
  std::atomic<bool> is_done = false;
  enqueue(kernels::cuda::native(busy), [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    is_done = true;
  });
  call();
  const bool result = is_done;
  busy.view().synchronize();
  return result;
}

// Hangs if `call` waits for another stream's work.
void must_not_wait(const std::function<void()>& call) {
  const Stream busy(kCuda);
  Mark done;
  enqueue(kernels::cuda::native(busy), [&] { done.wait(); });
  call();
  done.pass();
  busy.view().synchronize();
}

TEST_CASE("hidden: first launches and allocations wait for the device", "[.]") {
  const Stream stream(kCuda);
  void *memory = nullptr, *pinned = nullptr;
  CHECK(waits_for_device([&] { launch_one(stream, nothing_kernel); }));
  must_not_wait([&] { launch_one(stream, nothing_kernel); });
  CHECK(waits_for_device(
      [&] { cudaFuncSetAttribute(other_kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, 1024); }));
  must_not_wait([&] { launch_one(stream, other_kernel); });
  CHECK(waits_for_device([&] { CHECK(cudaMalloc(&memory, 10) == cudaSuccess); }));
  CHECK(waits_for_device([&] { CHECK(cudaMallocHost(&pinned, 10) == cudaSuccess); }));
  CHECK(waits_for_device([&] { CHECK(cudaFree(memory) == cudaSuccess); }));
  CHECK(waits_for_device([&] { CHECK(cudaFreeHost(pinned) == cudaSuccess); }));
}

TEST_CASE("hidden: first launches and allocations wait for nothing", "[.]") {
  const Stream stream(kCuda);
  void *memory = nullptr, *pinned = nullptr;
  must_not_wait([&] { launch_one(stream, nothing_kernel); });
  must_not_wait([&] { CHECK(cudaMalloc(&memory, 10) == cudaSuccess); });
  must_not_wait([&] { CHECK(cudaMallocHost(&pinned, 10) == cudaSuccess); });
  CHECK(cudaFree(memory) == cudaSuccess);
  CHECK(cudaFreeHost(pinned) == cudaSuccess);
}

TEST_CASE("lazy loading makes first launches and allocations wait for the device") {
  CHECK(run_under({{"SIMT_LAZY", "1"}}, "first launches and allocations wait for the device").status == 0);
  CHECK(run_under({}, "first launches and allocations wait for nothing").status == 0);
}

// ---- Host functions.

// How many threads run the host functions of three streams.
std::size_t host_function_threads() {
  const Stream streams[]{Stream(kCuda), Stream(kCuda), Stream(kCuda)};
  std::mutex mutex;
  std::map<std::thread::id, int> calls;
  std::function<void()> count = [&] {
    const std::lock_guard lock(mutex);
    ++calls[std::this_thread::get_id()];
  };
  const cudaHostFn_t call = [](void* function) { (*static_cast<std::function<void()>*>(function))(); };
  for (const Stream& stream : streams)
    for (int i = 0; i < 5; ++i)
      REQUIRE(cudaLaunchHostFunc(kernels::cuda::native(stream), call, &count) == cudaSuccess);
  for (const Stream& stream : streams) stream.view().synchronize();
  std::size_t total = 0;
  for (const auto& [thread, number] : calls) total += static_cast<std::size_t>(number);
  CHECK(total == 15);
  return calls.size();
}

TEST_CASE("hidden: one thread", "[.]") {
  CHECK(host_function_threads() == 1);
}
TEST_CASE("hidden: three threads", "[.]") {
  CHECK(host_function_threads() == 3);
}

TEST_CASE("host functions run on one thread or on their streams'") {
  CHECK(run_under({{"SIMT_HOST_THREADS", "1"}}, "one thread").status == 0);
  CHECK(run_under({{"SIMT_HOST_THREADS", "0"}}, "three threads").status == 0);
}

// ---- Pageable memory.

TEST_CASE("hidden: a launch waits for a pageable copy of another stream to begin", "[.]") {
  const Stream copies(kCuda), other(kCuda);
  const Buffer<float> values(kCuda, 10);
  std::vector<float> pageable(10);
  PinnedBuffer<float> pinned(kCuda, 10);
  std::atomic<bool> has_come = false;
  enqueue(kernels::cuda::native(copies), [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    has_come = true;
  });
  copy(copies, values.tensor(), kernels::host_tensor(std::span<float>(pageable), Shape{10}));
  launch_one(other, nothing_kernel);
  CHECK(has_come);
  Mark done;
  enqueue(kernels::cuda::native(copies), [&] { done.wait(); });
  copy(copies, values.tensor(), pinned.tensor(Shape{10}));
  launch_one(other, nothing_kernel);  // at once
  done.pass();
  copies.view().synchronize();
}

TEST_CASE("hidden: a failed stream comes to its pageable copies", "[.]") {
  const Stream failed(kCuda), other(kCuda);
  const Buffer<float> values(kCuda, 10);
  std::vector<float> host(10);
  enqueue(kernels::cuda::native(failed), [] { throw std::runtime_error("on purpose"); });
  copy(failed, values.tensor(), kernels::host_tensor(std::span<float>(host), Shape{10}));
  launch_one(other, nothing_kernel);
  CHECK(cudaStreamSynchronize(kernels::cuda::native(other)) == cudaSuccess);
  CHECK(failure_of(failed).find("on purpose") != std::string::npos);
}

TEST_CASE("a pageable copy locks the runtime until its stream comes to it") {
  const std::map<std::string, std::string> pageable{{"SIMT_PAGEABLE", "1"}};
  CHECK(run_under(pageable, "a launch waits for a pageable copy of another stream to begin").status == 0);
  CHECK(run_under(pageable, "a failed stream comes to its pageable copies").status == 0);
}

// ---- The device of a thread.

struct Call {
  std::string name;
  std::function<cudaError_t()> make;
};

// A call of each kind that uses a device, in an order in which none leaks.
std::vector<Call> calls_that_use_a_device(cudaStream_t stream, cudaEvent_t event, void* memory) {
  const cudaHostFn_t nothing = [](void*) {};
  return {{"cudaDeviceSynchronize", [] { return cudaDeviceSynchronize(); }},
          {"cudaStreamSynchronize", [=] { return cudaStreamSynchronize(stream); }},
          {"cudaStreamQuery", [=] { return cudaStreamQuery(stream); }},
          {"cudaStreamWaitEvent", [=] { return cudaStreamWaitEvent(stream, event, 0); }},
          {"cudaLaunchHostFunc", [=] { return cudaLaunchHostFunc(stream, nothing, nullptr); }},
          {"cudaLaunchKernelEx",
           [=] {
             cudaLaunchConfig_t config{};
             config.gridDim = config.blockDim = dim3(1);
             config.stream = stream;
             return cudaLaunchKernelEx(&config, nothing_kernel);
           }},
          {"cudaMemsetAsync", [=] { return cudaMemsetAsync(memory, 0, 10, stream); }},
          {"cudaMemcpyAsync",
           [=] { return cudaMemcpyAsync(memory, memory, 10, cudaMemcpyDeviceToDevice, stream); }},
          {"cudaMemcpy", [=] { return cudaMemcpy(memory, memory, 10, cudaMemcpyDeviceToDevice); }},
          {"cudaEventRecord", [=] { return cudaEventRecord(event, stream); }},
          {"cudaEventSynchronize", [=] { return cudaEventSynchronize(event); }},
          {"cudaEventQuery", [=] { return cudaEventQuery(event); }},
          {"cudaEventDestroy", [=] { return cudaEventDestroy(event); }},
          {"cudaStreamDestroy", [=] { return cudaStreamDestroy(stream); }},
          {"cudaFree", [=] { return cudaFree(memory); }}};
}

// Calls each of them from a thread that selects its device first, or does not; their codes must be
// `expected`.
void call_from_a_thread(bool selects_device, cudaError_t expected) {
  REQUIRE(cudaSetDevice(0) == cudaSuccess);
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;
  void* memory = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  REQUIRE(cudaEventCreate(&event) == cudaSuccess);
  REQUIRE(cudaMalloc(&memory, 10) == cudaSuccess);
  const std::vector<Call> calls = calls_that_use_a_device(stream, event, memory);
  std::vector<cudaError_t> codes;
  std::thread([&] {
    if (selects_device) cudaSetDevice(0);
    for (const Call& call : calls) codes.push_back(call.make());
  }).join();
  CHECK(codes == std::vector<cudaError_t>(calls.size(), expected));
  if (expected == cudaSuccess) return;
  CHECK(cudaEventDestroy(event) == cudaSuccess);
  CHECK(cudaStreamDestroy(stream) == cudaSuccess);
  CHECK(cudaFree(memory) == cudaSuccess);
}

TEST_CASE("hidden: a thread has no device", "[.]") {
  call_from_a_thread(false, cudaErrorDeviceUninitialized);
}
TEST_CASE("hidden: a thread has a device", "[.]") {
  call_from_a_thread(true, cudaSuccess);
}
TEST_CASE("hidden: a thread has the first device for want of another", "[.]") {
  call_from_a_thread(false, cudaSuccess);
}
TEST_CASE("hidden: a thread asks for devices", "[.]") {
  int count = 0, device = -1;
  CHECK(cudaGetDeviceCount(&count) == cudaSuccess);
  CHECK(cudaGetDevice(&device) == cudaSuccess);
  CHECK(device == 0);
  CHECK(cudaGetLastError() == cudaSuccess);
}

TEST_CASE("a call by a thread that has not selected a device is an error that names it") {
  const test::Finished end = run_under({{"SIMT_STRICT_DEVICE", "1"}}, "a thread has no device");
  CAPTURE(end.err, end.out);
  CHECK(end.status == 0);
  for (const Call& call : calls_that_use_a_device(nullptr, nullptr, nullptr))
    CHECK(end.err.find("simt: " + call.name + " by a thread that has not called cudaSetDevice\n") !=
          std::string::npos);
  CHECK(run_under({{"SIMT_STRICT_DEVICE", "1"}}, "a thread has a device").status == 0);
  CHECK(run_under({{"SIMT_STRICT_DEVICE", "1"}}, "a thread asks for devices").status == 0);
}

TEST_CASE("a thread must select its device where there are several, or the environment says so") {
  auto several = kind_driver_but({{"SIMT_DEVICES", "2"}});
  CHECK(run_alone("hidden: a thread has the first device for want of another", several).status == 0);
  several.erase("SIMT_STRICT_DEVICE");
  CHECK(run_alone("hidden: a thread has no device", several).status == 0);
  CHECK(run_under({}, "a thread has the first device for want of another").status == 0);
}

// ---- Settings.

TEST_CASE("settings of a driver that make no sense end the program with their name") {
  for (const auto& [name, value] : std::map<std::string, std::string>{{"SIMT_QUEUES", "33"},
                                                                      {"SIMT_HOST_THREADS", "2"},
                                                                      {"SIMT_LAZY", "yes"},
                                                                      {"SIMT_PAGEABLE", "-1"},
                                                                      {"SIMT_STRICT_DEVICE", ""},
                                                                      {"SIMT_DEADLOCK", "1s"}}) {
    const test::Finished end = run_under({{name, value}}, "one thread");
    CAPTURE(end.err);
    CHECK(end.status == 3);
    CHECK(end.err.find(name + "=" + value + ": must be a number from 0 to ") != std::string::npos);
  }
}

}  // namespace
}  // namespace eightfold::simt::testing
