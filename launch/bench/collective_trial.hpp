#pragma once

// One line of `bench collective`: an algorithm with a format, timed on a bucket that all lines of its size
// take turns in, and verified element by element.

#include "comm/baseline/baseline.hpp"
#include "comm/exchange.hpp"
#include "comm/schedules/schedule.hpp"
#include "kernels/buffer.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace eightfold::launch::bench {

struct Candidate {
  std::string algorithm;  // a baseline's name, a generator's, or "auto"
  quant8::Format format = quant8::Format::fp32;
};

// Why there is no such pair, or why it cannot be measured here; empty where it can. Throws ConfigError for an
// unknown algorithm. Needs MPI, and no engine.
std::string unsupported_reason(const Candidate& candidate, kernels::Device device);

// What the ranks contribute to a bucket: numbers of N(0, 1), different ones on every rank. A library adds
// them in an order that it does not tell; for libraries they are multiples of 2^-14 and few enough bits long
// that every sum is exact, so that all orders have the same bits.
enum class Precision { full, exact_sums };
void contribute(Precision precision, int rank, std::int64_t first, std::span<float> values);

// The bucket of one size. The streams' device has it.
class TrialBucket {
 public:
  TrialBucket(kernels::StreamView stream, int rank, std::int64_t elements);

  std::int64_t elements() const { return static_cast<std::int64_t>(values_.size()); }
  kernels::Tensor values() const { return values_.tensor(); }
  kernels::StreamView stream() const { return stream_; }
  // The bucket becomes what this rank contributes.
  void refill(Precision precision);
  // What the bucket holds, on the host. Valid until the next call of anything.
  std::span<const float> fetch();

 private:
  kernels::StreamView stream_;
  int rank_;
  kernels::Buffer<float> values_;
  kernels::PinnedBuffer<float> host_;
  kernels::PinnedBuffer<float> contribution_;  // in full precision
};

class CollectiveTrial {
 public:
  struct Verdict {
    std::uint64_t wrong = 0;  // elements of all ranks whose bits are not the reference's
    double nmse = 0;          // against the exact sum, over all ranks
  };

  // `bucket` and `engine` outlive it; the calibration is for "auto", or null. There is no obstacle.
  // Collective.
  CollectiveTrial(comm::engine::Engine& engine, TrialBucket& bucket, const Candidate& candidate,
                  const comm::schedules::Topology& topology, int rank,
                  std::shared_ptr<const comm::measure::Calibration> calibration);

  const Candidate& candidate() const noexcept { return candidate_; }
  std::size_t bytes() const { return static_cast<std::size_t>(bucket_.elements()) * sizeof(float); }
  // Encoded bytes that this rank sends; of a library the least that an allreduce can do with.
  std::size_t wire_bytes() const;

  // Sums once, from the ranks' contributions. Seconds on this rank. Collective.
  double run();
  // Compares what the last run() has left on every rank with the reference executor's. Collective.
  Verdict verify();

 private:
  Precision precision() const;
  // What every rank should have of a part of the bucket, to which the ranks contribute these values.
  std::vector<float> expected(const comm::schedules::Shard& part,
                              std::vector<std::vector<float>> values) const;

  comm::engine::Engine& engine_;
  TrialBucket& bucket_;
  Candidate candidate_;
  std::string algorithm_;  // what "auto" stands for
  comm::schedules::Topology topology_;
  int rank_;
  std::int64_t step_ = 0;
  std::unique_ptr<comm::baseline::Baseline> baseline_;  // one of the two
  std::unique_ptr<comm::Exchange> exchange_;
};

}  // namespace eightfold::launch::bench
