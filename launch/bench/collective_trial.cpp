#include "launch/bench/collective_trial.hpp"

#include "comm/executor/reference_executor.hpp"
#include "comm/measure/link.hpp"
#include "comm/schedules/generators.hpp"
#include "comm/selection.hpp"
#include "kernels/base/clock.hpp"
#include "launch/bench/options.hpp"
#include "launch/bench/random_values.hpp"
#include "quant8/reference.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace eightfold::launch::bench {
namespace {

constexpr std::string_view kAuto = "auto";

// Elements that are verified at a time: contributions of all ranks to them are in memory at once.
constexpr std::int64_t kPiece = 256 * quant8::kBlock;

// A sum below 1024 of multiples of 2^-14 has 24 bits at most, and a thousand numbers of N(0, 1) stay far
// below.
float with_exact_sums(float value) {
  return std::nearbyint(value * 0x1p14f) * 0x1p-14f + 0.0f;  // no negative zero, whose sum is not its own
}

kernels::Shape shape_of(std::int64_t elements) {
  return kernels::Shape{elements};
}

// The part of a bucket that each rank verifies.
std::vector<comm::schedules::Shard> parts_of(std::int64_t elements, int ranks) {
  std::vector<int> owners(static_cast<std::size_t>(ranks));
  std::iota(owners.begin(), owners.end(), 0);
  return comm::schedules::even_shards(elements, owners);
}

std::uint64_t count_different(std::span<const float> a, std::span<const float> b) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    count += std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i]) ? 1 : 0;
  return count;
}

using PerRank = std::vector<std::vector<float>>;

PerRank contributions(Precision precision, int ranks, std::int64_t first, std::int64_t count) {
  PerRank values(static_cast<std::size_t>(ranks), std::vector<float>(static_cast<std::size_t>(count)));
  for (int rank = 0; rank < ranks; ++rank)
    contribute(precision, rank, first, values[static_cast<std::size_t>(rank)]);
  return values;
}

// The sum of squares of the exact sums, and of the errors of the received ones.
struct Errors {
  double squares = 0, errors = 0;

  void add(const PerRank& values, std::span<const float> received) {
    for (std::size_t i = 0; i < received.size(); ++i) {
      double exact = 0;
      for (const std::vector<float>& each : values) exact += static_cast<double>(each[i]);
      const double error = static_cast<double>(received[i]) - exact;
      squares += exact * exact;
      errors += error * error;
    }
  }
};

}  // namespace

std::string unsupported_reason(const Candidate& candidate, kernels::Device device) {
  const std::string& algorithm = candidate.algorithm;
  const bool is_lossy = candidate.format != quant8::Format::fp32;
  if (comm::baseline::is_baseline(algorithm)) {
    if (is_lossy) return "libraries add fp32 numbers";
    if (device.kind != kernels::DeviceKind::host) return "it is measured in host memory: use --device host";
    return comm::baseline::unsupported_reason(algorithm);
  }
  if (algorithm == kAuto) return {};
  const comm::schedules::Generator* generator = comm::schedules::find_allreduce(algorithm);
  if (generator == nullptr)
    base::raise<base::ConfigError>("--algorithm {}: there are {}, {}, {}", algorithm,
                                   comm::baseline::baseline_names(),
                                   fmt::join(comm::schedules::allreduce_names(), ", "), kAuto);
  if (generator->exact_only && is_lossy) return "its partial sums would be rounded differently on every rank";
  return {};
}

void contribute(Precision precision, int rank, std::int64_t first, std::span<float> values) {
  draw(Distribution::normal, static_cast<std::uint64_t>(rank) + 1, values, static_cast<std::uint64_t>(first));
  if (precision == Precision::exact_sums) std::ranges::transform(values, values.begin(), with_exact_sums);
}

TrialBucket::TrialBucket(kernels::StreamView stream, int rank, std::int64_t elements)
    : stream_(stream),
      rank_(rank),
      values_(stream.device(), static_cast<std::size_t>(elements)),
      host_(stream.device(), values_.size()),
      contribution_(stream.device(), values_.size()) {
  contribute(Precision::full, rank_, 0, contribution_.span());
}

void TrialBucket::refill(Precision precision) {
  const bool is_exact = precision == Precision::exact_sums;
  if (is_exact) std::ranges::transform(contribution_.span(), host_.span().begin(), with_exact_sums);
  copy(stream_, (is_exact ? host_ : contribution_).tensor(shape_of(elements())), values());
  stream_.synchronize();
}

std::span<const float> TrialBucket::fetch() {
  copy(stream_, values(), host_.tensor(shape_of(elements())));
  stream_.synchronize();
  return host_.span();
}

CollectiveTrial::CollectiveTrial(comm::engine::Engine& engine, TrialBucket& bucket,
                                 const Candidate& candidate, const comm::schedules::Topology& topology,
                                 int rank, std::shared_ptr<const comm::measure::Calibration> calibration)
    : engine_(engine),
      bucket_(bucket),
      candidate_(candidate),
      algorithm_(candidate.algorithm),
      topology_(topology),
      rank_(rank) {
  if (algorithm_ == kAuto)
    algorithm_ = comm::select_algorithm(candidate.format, bytes(), topology, calibration.get()).algorithm;
  if (comm::baseline::is_baseline(candidate.algorithm)) {
    engine.run([&](comm::mpi::Communicator& communicator) {
      baseline_ = comm::baseline::make_baseline(algorithm_, communicator, bucket_.values().span<float>());
    });
    return;
  }
  exchange_ = comm::make_gradient_exchange(engine, {{bucket_.values(), {}}},
                                           {.encoding = {candidate.format},
                                            .algorithm = candidate.algorithm,
                                            .calibration = std::move(calibration)},
                                           nullptr);
}

std::size_t CollectiveTrial::wire_bytes() const {
  const auto ranks = static_cast<std::size_t>(topology_.ranks());
  return exchange_ != nullptr ? exchange_->wire_bytes() : 2 * (ranks - 1) * bytes() / ranks;
}

Precision CollectiveTrial::precision() const {
  return comm::baseline::is_baseline(algorithm_) ? Precision::exact_sums : Precision::full;
}

double CollectiveTrial::run() {
  bucket_.refill(precision());
  engine_.run([this](comm::mpi::Communicator& communicator) {
    if (topology_.nodes() == 1) return communicator.barrier();
    comm::measure::LinkMeter(communicator, {}).spend_credit();
  });
  const base::TimePoint start = base::Clock::now();
  if (baseline_ != nullptr) {
    engine_.run([this](comm::mpi::Communicator&) { baseline_->allreduce(); });
  } else {
    exchange_->submit(0, step_++, bucket_.stream());
    exchange_->wait(bucket_.stream());
    bucket_.stream().synchronize();
  }
  return base::seconds_since(start);
}

// Of a library: the sum in fp32, which is exact. Of a schedule: the reference executor's result.
std::vector<float> CollectiveTrial::expected(const comm::schedules::Shard& part,
                                             std::vector<std::vector<float>> values) const {
  if (comm::baseline::is_baseline(algorithm_)) {
    std::vector<float>& sum = values.front();
    for (std::size_t rank = 1; rank < values.size(); ++rank)
      std::ranges::transform(sum, values[rank], sum.begin(), std::plus());
    return sum;
  }
  const comm::schedules::Generator& generator = *comm::schedules::find_generator(algorithm_);
  std::vector<comm::schedules::Schedule> schedules;
  for (int rank = 0; rank < topology_.ranks(); ++rank)
    schedules.push_back(generator.schedule({topology_, rank, bucket_.elements()}));
  const auto codec = quant8::make_reference_codec({candidate_.format});
  comm::executor::run_reference(schedules, {*codec, {}, part.offset, part.count}, values, {});
  return values[static_cast<std::size_t>(rank_)];
}

CollectiveTrial::Verdict CollectiveTrial::verify() {
  const std::span<const float> received = bucket_.fetch();
  const std::vector<comm::schedules::Shard> parts = parts_of(bucket_.elements(), topology_.ranks());
  const comm::schedules::Shard& own = parts[static_cast<std::size_t>(rank_)];
  // Every rank computes the expected sums of its own part; all compare with all parts below.
  std::vector<float> reference;
  Errors errors;
  for (std::int64_t done = 0; done < own.count; done += kPiece) {
    const comm::schedules::Shard piece{own.offset + done, std::min(kPiece, own.count - done), rank_};
    PerRank values = contributions(precision(), topology_.ranks(), piece.offset, piece.count);
    errors.add(values, received.subspan(static_cast<std::size_t>(piece.offset), values.front().size()));
    const std::vector<float> sum = expected(piece, std::move(values));
    reference.insert(reference.end(), sum.begin(), sum.end());
  }
  double totals[] = {errors.errors, errors.squares, 0};
  engine_.run([&](comm::mpi::Communicator& communicator) {
    for (const comm::schedules::Shard& part : parts) {
      std::vector<float> values = part.owner == rank_ ? reference : std::vector<float>();
      values.resize(static_cast<std::size_t>(part.count));
      communicator.broadcast(std::as_writable_bytes(std::span(values)), part.owner);
      totals[2] += static_cast<double>(
          count_different(values, received.subspan(static_cast<std::size_t>(part.offset), values.size())));
    }
    communicator.sum(std::span<double>(totals));
  });
  return {static_cast<std::uint64_t>(totals[2]), totals[1] > 0 ? totals[0] / totals[1] : 0};
}

}  // namespace eightfold::launch::bench
