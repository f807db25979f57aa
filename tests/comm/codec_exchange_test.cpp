// The exchange of encoded buckets over MPI. What the executor does with a schedule is tested in one process
// (tests/comm/executor/); here it meets the engine, the transport and other ranks.
#include "comm/executor/executor.hpp"
#include "comm/gradient_exchange.hpp"
#include "comm/schedules/generators.hpp"
#include "comm/simulator/replay_plan.hpp"
#include "kernels/base/hash.hpp"
#include "kernels/buffer.hpp"
#include "tests/comm/transport/late_transport.hpp"
#include "tests/support/ranks.hpp"
#include "tests/support/test.hpp"

#include <cmath>
#include <numeric>

using namespace eightfold;
using comm::ExchangeOptions;
using test::world;

namespace {

ExchangeOptions options(quant8::Format format, std::string algorithm) {
  ExchangeOptions made;
  made.encoding.format = format;
  made.algorithm = std::move(algorithm);
  return made;
}

float value_of(int rank, std::size_t i, int step) {
  return std::sin(static_cast<float>(i) * 0.7F + static_cast<float>(rank) + 3 * static_cast<float>(step));
}

struct Outcome {
  bool replicas_equal = true;
  double worst_error = 0;  // of an element, against the exact sum
};

// Steps of an exchange of buckets of these sizes.
Outcome exchange_steps(const ExchangeOptions& wanted, const std::vector<std::int64_t>& sizes, int steps) {
  const auto total = static_cast<std::size_t>(std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0}));
  const kernels::Buffer<float> arena({}, total);
  std::vector<comm::ExchangeBucket> buckets;
  std::size_t first = 0;
  for (const std::int64_t size : sizes) {
    buckets.push_back({arena.tensor({size}, first), {}});
    first += static_cast<std::size_t>(size);
  }
  const std::span<float> values(arena.data(), total);
  const kernels::Stream stream({});
  Outcome outcome;
  comm::engine::Engine engine(world());
  const int ranks = engine.ranks();
  int rank = 0;
  engine.run([&](comm::mpi::Communicator& communicator) { rank = communicator.rank(); });
  const auto exchange = comm::make_gradient_exchange(engine, buckets, wanted, nullptr);
  for (int step = 0; step < steps; ++step) {
    for (std::size_t i = 0; i < total; ++i) values[i] = value_of(rank, i, step);
    for (std::size_t bucket = 0; bucket < buckets.size(); ++bucket) exchange->submit(bucket, step, stream);
    exchange->wait(stream);
    for (std::size_t i = 0; i < total; ++i) {
      double exact = 0;
      for (int each = 0; each < ranks; ++each) exact += static_cast<double>(value_of(each, i, step));
      outcome.worst_error = std::max(outcome.worst_error, std::abs(static_cast<double>(values[i]) - exact));
    }
    std::vector<std::uint64_t> hashes;
    engine.run([&](comm::mpi::Communicator& communicator) {
      hashes = communicator.all_gather(base::hash64(std::as_bytes(values)));
    });
    for (const std::uint64_t hash : hashes)
      outcome.replicas_equal = outcome.replicas_equal && hash == hashes.front();
  }
  return outcome;
}

// Counts what is sent.
class CountingTransport final : public comm::transport::Transport {
 public:
  CountingTransport(std::unique_ptr<comm::transport::Transport> inner, std::size_t& bytes)
      : inner_(std::move(inner)), bytes_(bytes) {}

  void send(std::span<const std::byte> bytes, int peer, int tag, int& under_way) override {
    bytes_ += bytes.size();
    inner_->send(bytes, peer, tag, under_way);
  }
  void receive(std::span<std::byte> bytes, int peer, int tag, int& under_way) override {
    inner_->receive(bytes, peer, tag, under_way);
  }
  void poll() override { inner_->poll(); }

 private:
  std::unique_ptr<comm::transport::Transport> inner_;
  std::size_t& bytes_;
};

// What this rank sends for these buckets where a schedule is replayed. The simulation itself forks, which
// must not happen under MPI; its bytes are those of the plans (tests/comm/simulator/).
std::size_t replayed_bytes(const comm::schedules::Generator& generator, quant8::Format format,
                           const std::vector<std::int64_t>& sizes) {
  const comm::schedules::Topology topology = comm::schedules::discover_topology(world());
  const auto codec = quant8::make_codec({}, {format});
  const std::int64_t segment = comm::executor::segment_elements(*codec, comm::default_segment_bytes({}));
  std::size_t bytes = 0;
  for (const std::int64_t elements : sizes) {
    std::vector<comm::schedules::Schedule> schedules;
    for (int rank = 0; rank < topology.ranks(); ++rank)
      schedules.push_back(generator.schedule({topology, rank, elements}));
    const auto plans = comm::simulator::plan_replay(schedules, [&](std::int64_t count) {
      return comm::executor::segmented_bytes(*codec, segment, count);
    });
    for (const comm::simulator::ReplayTask& task : plans[static_cast<std::size_t>(world().rank())])
      if (task.is_send()) bytes += task.bytes;
  }
  return bytes;
}

const std::vector<std::int64_t> kSizes = {70000, 1, 0, 257, 100000, 256, 31, 5000};

}  // namespace

TEST_CASE("encoded buckets come back as equal, nearly exact sums with every algorithm") {
  for (const char* algorithm : {"two_shot", "hierarchical", "ring"}) {
    const Outcome outcome = exchange_steps(options(quant8::Format::dynamic_tree8, algorithm), kSizes, 3);
    CHECK_ALL_RANKS(outcome.replicas_equal);
    // A level of the tree is at most 0.028 apart; each rank's largest value is below 1, a sum's below 4.
    CHECK_ALL_RANKS(outcome.worst_error < 0.1 * world().size());
  }
}

TEST_CASE("in fp32 every algorithm is exact but for the order of the sum") {
  for (const char* algorithm : {"two_shot", "hierarchical", "ring", "recursive_doubling", "mpi"}) {
    const Outcome outcome = exchange_steps(options(quant8::Format::fp32, algorithm), kSizes, 3);
    CHECK_ALL_RANKS(outcome.replicas_equal);
    CHECK_ALL_RANKS(outcome.worst_error < 1e-6);
  }
}

TEST_CASE("a rank sends the bytes that a replay of its schedules sends") {
  using quant8::Format;
  for (const Format format : {Format::fp32, Format::bf16, Format::dynamic_tree8, Format::one_bit})
    for (const comm::schedules::Generator& generator : comm::schedules::generators()) {
      if (generator.collective != comm::schedules::Collective::all_reduce) continue;
      if (generator.exact_only && format != Format::fp32) continue;
      const std::size_t replayed = replayed_bytes(generator, format, kSizes);
      std::size_t sent = 0;
      ExchangeOptions wanted = options(format, std::string(generator.name));
      wanted.make_transport = [&sent](comm::mpi::Communicator& communicator) {
        return std::make_unique<CountingTransport>(comm::transport::make_mpi_transport(communicator), sent);
      };
      exchange_steps(wanted, kSizes, 2);
      INFO(to_string(format) << ", " << generator.name);
      CHECK_ALL_RANKS(world().size() == 1 || sent == 2 * replayed);
    }
}

TEST_CASE("late messages and short segments change nothing but the time") {
  ExchangeOptions wanted = options(quant8::Format::linear8, "two_shot");
  wanted.segment_bytes = 600;
  wanted.make_transport = [](comm::mpi::Communicator& communicator) {
    return std::make_unique<test::LateTransport>(comm::transport::make_mpi_transport(communicator), 9,
                                                 static_cast<unsigned>(communicator.rank()));
  };
  const Outcome outcome = exchange_steps(wanted, kSizes, 5);
  CHECK_ALL_RANKS(outcome.replicas_equal);
  CHECK_ALL_RANKS(outcome.worst_error < 0.02 * world().size());
}

TEST_CASE("the transport direct gives a host's own memory to MPI") {
  ExchangeOptions wanted = options(quant8::Format::bf16, "two_shot");
  wanted.transport = comm::transport::TransportKind::direct;
  const Outcome outcome = exchange_steps(wanted, kSizes, 2);
  CHECK_ALL_RANKS(outcome.replicas_equal);
  CHECK_ALL_RANKS(outcome.worst_error < 0.02 * world().size());
}

TEST_CASE("an algorithm that cannot go with a format is refused with what can") {
  const auto refusal = [](const ExchangeOptions& wanted) -> std::string {
    const kernels::Buffer<float> values({}, 4);
    comm::engine::Engine engine(world());
    try {
      comm::make_gradient_exchange(engine, {{values.tensor(), {}}}, wanted, nullptr);
    } catch (const base::ConfigError& error) {
      return error.what();
    }
    return "none";
  };
  const std::string mpi = refusal(options(quant8::Format::linear8, "mpi"));
  const std::string doubling = refusal(options(quant8::Format::linear8, "recursive_doubling"));
  const std::string unknown = refusal(options(quant8::Format::linear8, "three_shot"));
  const std::string gather = refusal(options(quant8::Format::linear8, "gather"));
  CHECK_ALL_RANKS(mpi.find("linear8") != std::string::npos);
  CHECK_ALL_RANKS(doubling.find("linear8") != std::string::npos);
  CHECK_ALL_RANKS(unknown.find("two_shot") != std::string::npos);
  CHECK_ALL_RANKS(gather.find("two_shot") != std::string::npos);
}

// Takes 2 GiB a rank.
TEST_CASE("a bucket beyond 2 GiB is summed like any other", "[.nightly]") {
  constexpr std::int64_t kElements = (std::int64_t{1} << 29) + 12345;
  const kernels::Buffer<float> arena({}, kElements);
  const std::span<float> values(arena.data(), kElements);
  const auto value = [](int rank, std::size_t i) { return static_cast<float>((i % 13) * (rank + 1)); };
  for (const quant8::Format format : {quant8::Format::fp32, quant8::Format::bf16}) {  // exact for these
    const int rank = world().rank(), ranks = world().size();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = value(rank, i);
    {
      const kernels::Stream stream({});
      comm::engine::Engine engine(world());
      const auto exchange =
          comm::make_gradient_exchange(engine, {{arena.tensor(), {}}}, options(format, "two_shot"), nullptr);
      exchange->submit(0, 0, stream);
      exchange->wait(stream);
    }
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i] != value(ranks * (ranks + 1) / 2 - 1, i)) ++wrong;
    CHECK_ALL_RANKS(wrong == 0);
  }
}
