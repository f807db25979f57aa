// Two protocols by which a worker's stream waits for what an engine thread has yet to enqueue, under drivers
// that take every liberty (docs/simt.md). A gate is a host function that waits for a semaphore, which CUDA
// forbids. The other waits for recorded events only.

#include "tests/simt/support.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <optional>
#include <semaphore>
#include <thread>

namespace eightfold::simt::testing {
namespace {

using Environment = std::map<std::string, std::string>;
using Semaphore = std::counting_semaphore<>;

constexpr int kCount = 100;

__global__ void produce_kernel(float* x, float value) {
  x[threadIdx.x] = value;
}

__global__ void triple_kernel(float* x) {
  x[threadIdx.x] *= 3;
}

__global__ void update_kernel(const float* x, float* y) {
  y[threadIdx.x] += x[threadIdx.x];
}

const kernels::cuda::LaunchShape kOneBlock{dim3(1), dim3(kCount)};

void select_device() {
  EIGHTFOLD_CUDA_CHECK(cudaSetDevice(0));
}

void run_on_host(const Stream& stream, cudaHostFn_t function, void* data) {
  EIGHTFOLD_CUDA_CHECK(cudaLaunchHostFunc(kernels::cuda::native(stream), function, data));
}

void load_kernels(const Stream& stream) {
  const Buffer<float> x(kCuda, kCount), y(kCuda, kCount);
  launch(stream, kOneBlock, produce_kernel, x.data(), 0);
  launch(stream, kOneBlock, triple_kernel, x.data());
  launch(stream, kOneBlock, update_kernel, x.data(), y.data());
  stream.view().synchronize();
}

// ---- A gate.

enum class Besides {
  nothing,
  engine_allocates,
  engine_has_host_function,
  engine_asks,
  worker_copies_pageable
};

struct GatedRun {
  bool is_loaded = false;   // all kernels
  int streams_between = 0;  // made after the worker's and before the engine's
  Besides besides = Besides::nothing;
};

// What the two threads share.
struct Gated {
  Gated(int streams_between) : between(make_streams(streams_between)) {}

  static std::vector<Stream> make_streams(int count) {
    std::vector<Stream> result;
    for (int i = 0; i < count; ++i) result.emplace_back(kCuda);
    return result;
  }

  Stream compute{kCuda}, gated{kCuda};
  std::vector<Stream> between;
  Stream codec{kCuda};
  Event produced{kCuda}, passed{kCuda}, summed{kCuda};
  Semaphore gate{0};     // holds `gated`
  Semaphore is_held{0};  // it does
  Semaphore engine_may_begin{0};
  Buffer<float> x{kCuda, kCount}, y{kCuda, kCount};
};

void run_gated_engine(Gated& all, Besides besides) {
  select_device();
  all.engine_may_begin.acquire();
  all.produced.synchronize();
  std::optional<Buffer<float>> extra;  // freed when the gate is open
  if (besides == Besides::engine_allocates) extra.emplace(kCuda, kCount);
  if (besides == Besides::engine_has_host_function)
    run_on_host(
        all.codec, [](void*) {}, nullptr);
  launch(all.codec, kOneBlock, triple_kernel, all.x.data());
  all.summed.record(all.codec);
  while (besides == Besides::engine_asks && !all.summed.is_reached()) std::this_thread::yield();
  all.summed.synchronize();
  all.gate.release();
}

void hold_gate(Gated& all) {
  const cudaHostFn_t wait = [](void* data) {
    Gated& shared = *static_cast<Gated*>(data);
    shared.is_held.release();
    shared.gate.acquire();
  };
  run_on_host(all.gated, wait, &all);
  all.passed.record(all.gated);
  all.passed.wait(all.compute);
  all.is_held.acquire();
}

void run_gated(const GatedRun& run) {
  Gated all(run.streams_between);
  if (run.is_loaded) load_kernels(all.compute);
  launch(all.compute, kOneBlock, produce_kernel, all.x.data(), 7);
  all.produced.record(all.compute);
  std::thread engine([&] { run_gated_engine(all, run.besides); });
  hold_gate(all);
  std::vector<float> x(kCount);
  if (run.besides == Besides::worker_copies_pageable)
    copy(all.compute, all.x.tensor(), kernels::host_tensor(std::span<float>(x), Shape{kCount}));
  all.engine_may_begin.release();
  launch(all.compute, kOneBlock, update_kernel, all.x.data(), all.y.data());
  engine.join();
  CHECK(on_host(all.compute, all.y) == std::vector<float>(kCount, 21));
}

TEST_CASE("hidden: a gate", "[.]") {
  run_gated({.is_loaded = true});
}
TEST_CASE("hidden: a gate and an engine that asks", "[.]") {
  run_gated({.is_loaded = true, .besides = Besides::engine_asks});
}
TEST_CASE("hidden: a gate before the first launches", "[.]") {
  run_gated({});
}
TEST_CASE("hidden: a gate and an allocation behind it", "[.]") {
  run_gated({.is_loaded = true, .besides = Besides::engine_allocates});
}
TEST_CASE("hidden: a gate and six more streams", "[.]") {
  run_gated({.is_loaded = true, .streams_between = 6});
}
TEST_CASE("hidden: a gate and another host function", "[.]") {
  run_gated({.is_loaded = true, .besides = Besides::engine_has_host_function});
}
TEST_CASE("hidden: a gate and a pageable copy behind it", "[.]") {
  run_gated({.is_loaded = true, .besides = Besides::worker_copies_pageable});
}

bool passes(const std::string& test_case, Environment settings) {
  settings.emplace("SIMT_DEADLOCK", "5000");
  const test::Finished end = run_alone("hidden: " + test_case, kind_driver_but(std::move(settings)));
  UNSCOPED_INFO(test_case << " ends with " << end.status << "\n" << end.err << end.out);
  return end.status == 0;
}

// Whether it hangs, and the report has each of `reasons`.
bool hangs(const std::string& test_case, Environment settings, const std::vector<std::string>& reasons) {
  settings.emplace("SIMT_DEADLOCK", "150");
  const test::Finished end = run_alone("hidden: " + test_case, kind_driver_but(std::move(settings)));
  UNSCOPED_INFO(test_case << " ends with " << end.status << "\n" << end.err << end.out);
  return end.status == 87 && end.err.find("simt: deadlock") != end.err.npos &&
         std::all_of(reasons.begin(), reasons.end(),
                     [&](const std::string& reason) { return end.err.find(reason) != end.err.npos; });
}

TEST_CASE("a gate passes under a kind driver") {
  CHECK(passes("a gate", {}));
  CHECK(passes("a gate before the first launches", {}));
  CHECK(passes("a gate and an allocation behind it", {}));
  CHECK(passes("a gate and another host function", {}));
  CHECK(passes("a gate and a pageable copy behind it", {}));
}

TEST_CASE("a gate hangs where its stream and the engine's share a hardware queue") {
  CHECK(hangs("a gate", {{"SIMT_QUEUES", "1"}},
              {"in hardware queue 0", "is in a host function", "stands behind another stream"}));
  CHECK(hangs("a gate and an engine that asks", {{"SIMT_QUEUES", "1"}}, {"a thread asks again and again"}));
  CHECK(hangs("a gate", {{"SIMT_QUEUES", "2"}},
              {"in hardware queue 1", "is in a host function", "waits for an event",
               "stands behind another stream"}));
}

TEST_CASE("eight hardware queues are enough for a gate until there are as many streams") {
  CHECK(passes("a gate", {{"SIMT_QUEUES", "8"}}));
  CHECK(hangs("a gate and six more streams", {{"SIMT_QUEUES", "8"}}, {"stands behind another stream"}));
  CHECK(passes("a gate and six more streams", {{"SIMT_QUEUES", "9"}}));
}

TEST_CASE("a gate hangs where kernels are loaded or memory is allocated behind it") {
  const Environment lazy{{"SIMT_LAZY", "1"}};
  CHECK(passes("a gate", lazy));  // all is loaded
  CHECK(hangs("a gate before the first launches", lazy,
              {"a thread in cudaLaunchKernelEx waits for the device, to load a kernel"}));
  CHECK(hangs("a gate and an allocation behind it", lazy, {"a thread in cudaMalloc waits for the device"}));
}

// The thread is the gate's as long as it is held. The engine opens it without a host function of its own.
TEST_CASE("one thread for host functions is enough for a gate until another stream has one") {
  const Environment one_thread{{"SIMT_HOST_THREADS", "1"}};
  CHECK(passes("a gate", one_thread));
  CHECK(hangs("a gate and another host function", one_thread, {"is in a host function"}));
}

TEST_CASE("a gate hangs where a copy behind it is pageable") {
  CHECK(hangs("a gate and a pageable copy behind it", {{"SIMT_PAGEABLE", "1"}},
              {"waits for the lock of the runtime"}));
}

// ---- Recorded events only.

constexpr std::size_t kBuckets = 2;
constexpr int kSteps = 3;

struct Bucket {
  Buffer<float> x{kCuda, kCount}, y{kCuda, kCount};
  PinnedBuffer<float> outbound{kCuda, kCount};
  Event produced{kCuda}, moved{kCuda}, arrived{kCuda}, summed{kCuda};
  Semaphore is_produced{0};  // `produced` is recorded
  Semaphore is_summed{0};    // so is `summed`
};

struct Recorded {
  Stream compute{kCuda}, codec{kCuda}, outbound{kCuda}, inbound{kCuda};
  Bucket buckets[kBuckets];
  int host_functions = 0;
};

// Encodes, sends to itself, decodes, as an engine does; with an allocation and a host function where a driver
// may make them wait.
void exchange(Recorded& all, Bucket& bucket) {
  const auto device = bucket.x.tensor(), pinned = bucket.outbound.tensor(Shape{kCount});
  bucket.is_produced.acquire();
  bucket.produced.wait(all.codec);
  const Buffer<float> extra(kCuda, kCount);
  launch(all.codec, kOneBlock, triple_kernel, bucket.x.data());
  run_on_host(
      all.codec, [](void* count) { ++*static_cast<int*>(count); }, &all.host_functions);
  bucket.moved.record(all.codec);
  bucket.moved.wait(all.outbound);
  copy(all.outbound, device, pinned);
  bucket.moved.record(all.outbound);
  bucket.moved.synchronize();  // the network
  copy(all.inbound, pinned, device);
  bucket.arrived.record(all.inbound);
  bucket.arrived.wait(all.codec);
  launch(all.codec, kOneBlock, triple_kernel, bucket.x.data());
  bucket.summed.record(all.codec);
  bucket.is_summed.release();
}

void work(Recorded& all, int step) {
  for (std::size_t i = 0; i < kBuckets; ++i) {
    Bucket& bucket = all.buckets[i];
    launch(all.compute, kOneBlock, produce_kernel, bucket.x.data(), static_cast<float>((i + 1) << step));
    bucket.produced.record(all.compute);
    bucket.is_produced.release();
  }
  for (Bucket& bucket : all.buckets) {
    bucket.is_summed.acquire();  // the host waits until the engine has enqueued the sum
    bucket.summed.wait(all.compute);
    launch(all.compute, kOneBlock, update_kernel, bucket.x.data(), bucket.y.data());
  }
}

TEST_CASE("hidden: recorded events", "[.]") {
  Recorded all;
  std::thread engine([&] {
    select_device();
    for (int step = 0; step < kSteps; ++step)
      for (Bucket& bucket : all.buckets) exchange(all, bucket);
  });
  for (int step = 0; step < kSteps; ++step) {
    work(all, step);
    for (std::size_t i = 0; i < kBuckets; ++i) {
      const float sum = static_cast<float>(9 * (i + 1) * ((2U << step) - 1));  // of the steps so far
      CHECK(on_host(all.compute, all.buckets[i].y) == std::vector<float>(kCount, sum));
    }
  }
  engine.join();
  all.codec.view().synchronize();
  CHECK(all.host_functions == kSteps * static_cast<int>(kBuckets));
}

void check_recorded_events(const Environment& settings) {
  for (const std::string seed : {"1", "2", "3"}) {
    Environment all = kind_driver_but(settings);
    all.insert_or_assign("SIMT_SEED", seed);
    all.insert_or_assign("SIMT_DEADLOCK", "5000");
    const test::Finished end = run_alone("hidden: recorded events", all);
    CAPTURE(seed, settings, end.err, end.out);
    CHECK(end.status == 0);
  }
}

const std::vector<Environment> kLiberties{{},
                                          {{"SIMT_HOST_THREADS", "1"}},
                                          {{"SIMT_QUEUES", "1"}},
                                          {{"SIMT_QUEUES", "2"}},
                                          {{"SIMT_QUEUES", "8"}},
                                          {{"SIMT_LAZY", "1"}},
                                          {{"SIMT_PAGEABLE", "1"}},
                                          {{"SIMT_STRICT_DEVICE", "1"}},
                                          {{"SIMT_HOST_THREADS", "1"},
                                           {"SIMT_QUEUES", "1"},
                                           {"SIMT_LAZY", "1"},
                                           {"SIMT_PAGEABLE", "1"},
                                           {"SIMT_STRICT_DEVICE", "1"}}};

TEST_CASE("a stream that waits for recorded events passes under every driver") {
  for (const Environment& liberties : kLiberties) check_recorded_events(liberties);
}

TEST_CASE("a stream that waits for recorded events passes under every driver with delays") {
  for (Environment liberties : kLiberties) {
    liberties.emplace("SIMT_DELAY", "0.3/200");
    check_recorded_events(liberties);
  }
}

}  // namespace
}  // namespace eightfold::simt::testing
