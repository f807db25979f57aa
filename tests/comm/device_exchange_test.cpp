// The exchange of buckets that lie on a GPU.
#include "comm/gradient_exchange.hpp"
#include "kernels/buffer.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <bit>
#include <cmath>
#include <numeric>

using namespace eightfold;
using test::world;

namespace {

comm::ExchangeOptions options(quant8::Format format, std::string algorithm) {
  comm::ExchangeOptions made;
  made.encoding.format = format;
  made.algorithm = std::move(algorithm);
  return made;
}

comm::ExchangeOptions mpi() {
  return options(quant8::Format::fp32, "mpi");
}

std::unique_ptr<comm::GradientExchange> make_exchange(comm::engine::Engine& engine,
                                                      const std::vector<kernels::Tensor>& values,
                                                      const comm::ExchangeOptions& wanted) {
  std::vector<comm::ExchangeBucket> buckets;
  for (const kernels::Tensor& each : values) buckets.push_back({each, {}});
  return comm::make_gradient_exchange(engine, std::move(buckets), wanted, nullptr);
}

const kernels::Device kGpu{kernels::DeviceKind::cuda, 0};
constexpr int kSteps = 11;  // more than may be under way at once

// Small integers, so that the sum over ranks is exact: rank r holds (r + 1) (i mod 61 + step).
float value_of(int weight, std::size_t i, int step) {
  return static_cast<float>(weight * (static_cast<int>(i % 61) + step));
}

// Steps of an exchange on a device, all of them enqueued before any result is looked at. Whether every sum is
// exact.
bool queued_steps_are_exact(const comm::ExchangeOptions& wanted, const std::vector<std::int64_t>& sizes) {
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
    comm::engine::Engine engine(world(), kGpu);
    const auto exchange = make_exchange(engine, buckets, wanted);
    for (int step = 0; step < kSteps; ++step) {
      copy(stream, inputs[static_cast<std::size_t>(step)].tensor(shape), arena.tensor());
      for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket) exchange->submit(bucket, step, stream);
      // By bucket, as soon as it is there, and all at once.
      const auto& output = outputs[static_cast<std::size_t>(step)];
      if (step % 2 == 0) {
        std::int64_t begin = 0;
        for (const kernels::Tensor& bucket : buckets) {
          exchange->wait_for_next(stream);
          copy(stream, bucket, output.tensor(shape).rows(begin, bucket.elements()));
          begin += bucket.elements();
        }
      } else {
        exchange->wait(stream);
        copy(stream, arena.tensor(), output.tensor(shape));
      }
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

// Bits of the sums of a few steps, and of what error feedback has kept.
std::vector<std::uint32_t> sums_with_feedback(kernels::Device device, const comm::ExchangeOptions& wanted) {
  constexpr std::int64_t kFirst = 5000, kSecond = 300;
  constexpr auto kTotal = static_cast<std::size_t>(kFirst + kSecond);
  const kernels::Shape shape = {kFirst + kSecond};
  const kernels::Buffer<float> arena(device, kTotal), residuals(device, kTotal);
  const kernels::PinnedBuffer<float> host(device, kTotal);
  const kernels::Stream stream(device);
  std::vector<std::uint32_t> bits;
  const auto take = [&](const kernels::Buffer<float>& values) {
    copy(stream, values.tensor(shape), host.tensor(shape));
    stream.view().synchronize();
    for (const float value : host.span()) bits.push_back(std::bit_cast<std::uint32_t>(value));
  };
  const int rank = world().rank();
  comm::engine::Engine engine(world(), device);
  const auto exchange =
      comm::make_gradient_exchange(engine,
                                   {{arena.tensor({kFirst}), residuals.tensor({kFirst})},
                                    {arena.tensor({kSecond}, kFirst), residuals.tensor({kSecond}, kFirst)}},
                                   wanted, nullptr);
  for (int step = 0; step < 3; ++step) {
    for (std::size_t i = 0; i < kTotal; ++i)
      host.data()[i] = std::sin(static_cast<float>(i) + static_cast<float>(10 * step + rank));
    copy(stream, host.tensor(shape), arena.tensor(shape));
    for (const std::size_t bucket : {0, 1}) exchange->submit(bucket, step, stream);
    exchange->wait(stream);
    take(arena);
  }
  take(residuals);
  return bits;
}

}  // namespace

TEST_CASE("buckets of a device come back as sums, however far the worker is ahead") {
  for (const char* algorithm : {"mpi", "two_shot"}) {
    const comm::ExchangeOptions wanted = options(quant8::Format::fp32, algorithm);
    CHECK_ALL_RANKS(queued_steps_are_exact(wanted, {1}));
    CHECK_ALL_RANKS(queued_steps_are_exact(wanted, {256, 256, 100}));
    CHECK_ALL_RANKS(queued_steps_are_exact(wanted, {5, 0, 70001}));
  }
}

TEST_CASE("what a device exchanges is, bit for bit, what the host does") {
  for (const quant8::Format format : quant8::all_formats()) {
    comm::ExchangeOptions wanted = options(format, "two_shot");
    wanted.segment_bytes = 3000;
    CHECK_ALL_RANKS(sums_with_feedback(kGpu, wanted) == sums_with_feedback(kernels::Device{}, wanted));
  }
}

TEST_CASE("every algorithm adds up on a device as on the host, rounding stochastically too") {
  for (const char* algorithm : {"two_shot", "hierarchical", "ring"}) {
    comm::ExchangeOptions wanted = options(quant8::Format::linear8, algorithm);
    wanted.rounding = quant8::Rounding::stochastic;
    wanted.seed = 5;
    CHECK_ALL_RANKS(sums_with_feedback(kGpu, wanted) == sums_with_feedback(kernels::Device{}, wanted));
  }
}

TEST_CASE("buckets on two devices are no exchange") {
  const kernels::Buffer<float> here(kGpu, 4), there(kernels::Device{}, 4);
  bool refused = false;
  {
    comm::engine::Engine engine(world(), kGpu);
    try {
      make_exchange(engine, {here.tensor(), there.tensor()}, mpi());
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
    comm::engine::Engine engine(world(), kGpu);
    const auto exchange = make_exchange(engine, {arena.tensor({256}), arena.tensor({256}, 256)}, mpi());
    std::counting_semaphore<> submitted(0);
    engine.submit([&](comm::mpi::Communicator&) {
      submitted.acquire();
      throw base::DataError("broken");
    });
    exchange->submit(0, 0, stream);
    submitted.release();
    try {
      exchange->submit(1, 0, stream);
      exchange->wait(stream);
      engine.run([](comm::mpi::Communicator&) {});
    } catch (const base::DataError&) {
      ++told;
    }
    stream.view().synchronize();
  }
  CHECK_ALL_RANKS(told == 1);
}
