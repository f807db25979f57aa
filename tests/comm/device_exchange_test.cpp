// The exchange of buckets that lie on a GPU.
#include "comm/exchange.hpp"
#include "kernels/buffer.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <numeric>

using namespace eightfold;
using test::world;

namespace {

std::unique_ptr<comm::Exchange> make_exchange(comm::Engine& engine,
                                              const std::vector<kernels::Tensor>& values,
                                              base::Observer* observer) {
  std::vector<comm::ExchangeBucket> buckets;
  for (const kernels::Tensor& each : values) buckets.push_back({each, {}});
  comm::ExchangeOptions options;
  options.encoding.format = quant8::Format::fp32;
  options.algorithm = "mpi";
  return comm::make_exchange(engine, std::move(buckets), options, observer);
}

const kernels::Device kGpu{kernels::DeviceKind::cuda, 0};
constexpr int kSteps = 11;  // more than may be under way at once

// Small integers, so that the sum over ranks is exact: rank r holds (r + 1) (i mod 61 + step).
float value_of(int weight, std::size_t i, int step) {
  return static_cast<float>(weight * (static_cast<int>(i % 61) + step));
}

// Steps of an exchange on a device, all of them enqueued before any result is looked at. Whether every sum is
// exact.
bool queued_steps_are_exact(const std::vector<std::int64_t>& sizes) {
  const auto total = static_cast<std::size_t>(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}));
  const kernels::Shape shape = {static_cast<std::int64_t>(total)};
  const kernels::Buffer<float> arena(kGpu, total);
  std::vector<kernels::Tensor> buckets;
  std::size_t first = 0;
  for (const std::int64_t size : sizes) {
    buckets.push_back(arena.tensor({size}, first));
    first += static_cast<std::size_t>(size);
  }
  std::vector<kernels::PinnedBuffer<float>> inputs, outputs;
  for (int step = 0; step < kSteps; ++step) {
    outputs.emplace_back(kGpu, total);
    const auto values = inputs.emplace_back(kGpu, total).span();
    for (std::size_t i = 0; i < total; ++i) values[i] = value_of(world().rank() + 1, i, step);
  }

  const kernels::Stream stream(kGpu);
  {
    comm::Engine engine(world());
    const auto exchange = make_exchange(engine, buckets, nullptr);
    for (int step = 0; step < kSteps; ++step) {
      copy(stream, inputs[static_cast<std::size_t>(step)].tensor(shape), arena.tensor());
      for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket) exchange->submit(bucket, step, stream);
      exchange->wait(stream);
      copy(stream, arena.tensor(), outputs[static_cast<std::size_t>(step)].tensor(shape));
    }
    stream.view().synchronize();
  }
  bool exact = true;
  const int weight = world().size() * (world().size() + 1) / 2;
  for (int step = 0; step < kSteps; ++step)
    for (std::size_t i = 0; i < total; ++i)
      exact = exact && outputs[static_cast<std::size_t>(step)].data()[i] == value_of(weight, i, step);
  return exact;
}

}  // namespace

TEST_CASE("buckets of a device come back as sums, however far the worker is ahead") {
  CHECK_ALL_RANKS(queued_steps_are_exact({1}));
  CHECK_ALL_RANKS(queued_steps_are_exact({256, 256, 100}));
  CHECK_ALL_RANKS(queued_steps_are_exact({5, 0, 70001}));
}

TEST_CASE("buckets on two devices are no exchange") {
  const kernels::Buffer<float> here(kGpu, 4), there(kernels::Device{}, 4);
  bool refused = false;
  {
    comm::Engine engine(world());
    try {
      make_exchange(engine, {here.tensor(), there.tensor()}, nullptr);
    } catch (const base::InternalError&) {
      refused = true;
    }
  }
  CHECK_ALL_RANKS(refused);
}

TEST_CASE("a device does not wait for an engine that has failed") {
  const kernels::Buffer<float> arena(kGpu, 512);
  const kernels::Stream stream(kGpu);
  int told = 0;
  {
    comm::Engine engine(world());
    const auto exchange =
        comm::make_mpi_exchange(engine, {arena.tensor({256}), arena.tensor({256}, 256)}, nullptr);
    std::counting_semaphore<> submitted(0);
    engine.submit([&](comm::Communicator&) {
      submitted.acquire();
      throw base::DataError("broken");
    });
    exchange->submit(0, 0, stream);
    submitted.release();
    try {
      exchange->submit(1, 0, stream);
      exchange->wait(stream);
      engine.run([](comm::Communicator&) {});
    } catch (const base::DataError&) {
      ++told;
    }
    stream.view().synchronize();
  }
  CHECK_ALL_RANKS(told == 1);
}
