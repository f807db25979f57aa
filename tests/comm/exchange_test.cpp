#include "comm/gradient_exchange.hpp"
#include "kernels/buffer.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <algorithm>
#include <mutex>

using namespace eightfold;
using test::world;

namespace {

std::unique_ptr<comm::GradientExchange> make_exchange(comm::engine::Engine& engine,
                                                      const std::vector<kernels::Tensor>& values,
                                                      base::Observer* observer) {
  std::vector<comm::ExchangeBucket> buckets;
  for (const kernels::Tensor& each : values) buckets.push_back({each, {}});
  comm::ExchangeOptions options;
  options.encoding.format = quant8::Format::fp32;
  options.algorithm = "mpi";
  return comm::make_gradient_exchange(engine, std::move(buckets), options, observer);
}

const kernels::Device kHost;

// An arena cut into buckets of the given sizes, and the exchange over them.
struct Arena {
  std::vector<std::size_t> sizes;
  kernels::Buffer<float> values;
  std::vector<kernels::Tensor> buckets;

  explicit Arena(std::vector<std::size_t> bucket_sizes) : sizes(std::move(bucket_sizes)) {
    std::size_t total = 0;
    for (const std::size_t size : sizes) total += size;
    values = {kHost, total};
    std::size_t first = 0;
    for (const std::size_t size : sizes) {
      buckets.push_back(values.tensor(kernels::Shape{static_cast<std::int64_t>(size)}, first));
      first += size;
    }
  }
  std::span<float> span() const { return {values.data(), values.size()}; }
};

// Small integers, so that the sum over ranks is exact: rank r holds (r + 1) (i mod 61 + step).
void fill(std::span<float> values, int rank, int step) {
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>((rank + 1) * (static_cast<int>(i % 61) + step));
}

bool holds_sum(std::span<const float> values, int ranks, int step) {
  const int weight = ranks * (ranks + 1) / 2;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (values[i] != static_cast<float>(weight * (static_cast<int>(i % 61) + step))) return false;
  return true;
}

class Spans final : public base::Observer {
 public:
  void on_span(const base::Span& span) noexcept override {
    const std::lock_guard lock(mutex_);
    indices_.push_back(span.index);
    named_exchange_ = named_exchange_ && span.name == "exchange" && span.track == base::Track::engine;
    forwards_ = forwards_ && span.begin <= span.end;
  }
  std::vector<std::int64_t> indices() const { return indices_; }
  bool well_formed() const { return named_exchange_ && forwards_; }

 private:
  std::mutex mutex_;
  std::vector<std::int64_t> indices_;
  bool named_exchange_ = true, forwards_ = true;
};

// Steps of an exchange; whether every one of them gave exact sums.
bool steps_are_exact(const std::vector<std::size_t>& sizes, int steps) {
  const Arena arena(sizes);
  const kernels::Stream stream(kHost);
  comm::engine::Engine engine(world());
  const auto exchange = make_exchange(engine, arena.buckets, nullptr);
  bool exact = true;
  for (int step = 0; step < steps; ++step) {
    fill(arena.span(), world().rank(), step);
    for (std::size_t bucket = 0; bucket < arena.buckets.size(); ++bucket)
      exchange->submit(bucket, step, stream);
    exchange->wait(stream);
    exact = exact && holds_sum(arena.span(), engine.ranks(), step);
  }
  return exact;
}

}  // namespace

TEST_CASE("an exchange leaves in every bucket the sum over the ranks, step after step") {
  CHECK_ALL_RANKS(steps_are_exact({1}, 3));
  CHECK_ALL_RANKS(steps_are_exact({7}, 3));
  CHECK_ALL_RANKS(steps_are_exact({256, 256, 256, 100}, 5));
  CHECK_ALL_RANKS(steps_are_exact({(1 << 18) + 3, 1, 255}, 3));
}

TEST_CASE("an exchange without buckets, or of empty ones, has nothing to wait for") {
  CHECK_ALL_RANKS(steps_are_exact({}, 2));
  CHECK_ALL_RANKS(steps_are_exact({0}, 2));
  CHECK_ALL_RANKS(steps_are_exact({5, 0, 6}, 2));
}

TEST_CASE("only the buckets that were submitted are summed") {
  const Arena arena({4, 4});
  fill(arena.span(), world().rank(), 1);
  const std::vector<float> before(arena.span().begin(), arena.span().end());
  {
    const kernels::Stream stream(kHost);
    comm::engine::Engine engine(world());
    const auto exchange = make_exchange(engine, arena.buckets, nullptr);
    exchange->submit(1, 0, stream);
    exchange->wait(stream);
  }
  const std::vector<float> after(arena.span().begin(), arena.span().end());
  CHECK_ALL_RANKS(std::equal(after.begin(), after.begin() + 4, before.begin()));
  const int weight = world().size() * (world().size() + 1) / 2;
  CHECK_ALL_RANKS(after[4] == static_cast<float>(weight * 5));
}

TEST_CASE("sums are waited for one by one, in the order of submission") {
  const Arena arena({300, 5, 70});
  const auto sum_is_there = [&](std::size_t bucket) {
    std::vector<float> expected(arena.values.size());
    fill(expected, 0, 3);
    const int weight = world().size() * (world().size() + 1) / 2;
    const std::span<const float> values = arena.buckets[bucket].span<float>();
    const auto first = static_cast<std::size_t>(values.data() - arena.values.data());
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i] != static_cast<float>(weight) * expected[first + i]) return false;
    return true;
  };
  std::vector<bool> right;
  fill(arena.span(), world().rank(), 3);
  {
    const kernels::Stream stream(kHost);
    comm::engine::Engine engine(world());
    const auto exchange = make_exchange(engine, arena.buckets, nullptr);
    right.push_back(!exchange->wait_for_next(stream));
    for (const std::size_t bucket : {2, 0}) exchange->submit(bucket, 0, stream);
    right.push_back(exchange->wait_for_next(stream) && sum_is_there(2));
    exchange->submit(1, 0, stream);
    right.push_back(exchange->wait_for_next(stream) && sum_is_there(0));
    right.push_back(exchange->wait_for_next(stream) && sum_is_there(1));
    right.push_back(!exchange->wait_for_next(stream));
  }
  CHECK_ALL_RANKS(std::ranges::find(right, false) == right.end());
}

TEST_CASE("an exchange that goes without a wait has still finished what was submitted") {
  const Arena arena({1 << 16});
  fill(arena.span(), world().rank(), 2);
  {
    const kernels::Stream stream(kHost);
    comm::engine::Engine engine(world());
    make_exchange(engine, arena.buckets, nullptr)->submit(0, 0, stream);
  }
  CHECK_ALL_RANKS(holds_sum(arena.span(), world().size(), 2));
}

TEST_CASE("every exchange of a bucket is one span on the engine's track, with the bucket's number") {
  const Arena arena({8, 8, 8});
  Spans spans;
  {
    const kernels::Stream stream(kHost);
    comm::engine::Engine engine(world());
    const auto exchange = make_exchange(engine, arena.buckets, &spans);
    for (const std::size_t bucket : {2, 0, 1}) exchange->submit(bucket, 0, stream);
    exchange->wait(stream);
  }
  const std::vector<std::int64_t> expected =  // one rank alone exchanges nothing
      world().size() == 1 ? std::vector<std::int64_t>{} : std::vector<std::int64_t>{2, 0, 1};
  CHECK_ALL_RANKS(spans.indices() == expected);
  CHECK_ALL_RANKS(spans.well_formed());
}

TEST_CASE("wire bytes are 2 (N - 1) / N of the fp32 data") {
  const Arena arena({600, 600});
  std::size_t bytes = 0;
  {
    comm::engine::Engine engine(world());
    bytes = make_exchange(engine, arena.buckets, nullptr)->wire_bytes();
  }
  const auto ranks = static_cast<std::size_t>(world().size());
  CHECK_ALL_RANKS(bytes == 4800 * 2 * (ranks - 1) / ranks);
}
