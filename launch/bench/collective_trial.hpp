#pragma once

// One row of `bench collective`: an algorithm with a format, timed and verified element by element. All rows
// of a size take turns on one bucket.

#include "comm/baseline/baseline.hpp"
#include "comm/gradient_exchange.hpp"
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

// Why the pair does not exist or cannot be measured here; empty if it can. Throws ConfigError for an unknown
// algorithm. Needs MPI, and no engine.
std::string unsupported_reason(const Candidate& candidate, kernels::Device device);

// Contributions of the ranks to a bucket: values of N(0, 1), different on every rank. A library adds them in
// an unknown order. For libraries they are therefore multiples of 2^-14, so that every sum is exact and all
// orders give the same bits.
enum class Precision { full, exact_sums };
void contribute(Precision precision, int rank, std::int64_t first, std::span<float> values);

// The bucket of one size, in the memory of the stream's device.
class TrialBucket {
 public:
  TrialBucket(kernels::StreamView stream, int rank, std::int64_t elements);

  std::int64_t elements() const { return static_cast<std::int64_t>(values_.size()); }
  kernels::Tensor values() const { return values_.tensor(); }
  kernels::StreamView stream() const { return stream_; }
  // Sets the bucket to this rank's contribution.
  void refill(Precision precision);
  // A copy of the bucket on the host, valid until the next call of any member.
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

  // The candidate is supported. `bucket` and `engine` outlive the trial; the calibration is for "auto", or
  // null. Collective.
  CollectiveTrial(comm::engine::Engine& engine, TrialBucket& bucket, const Candidate& candidate,
                  const comm::schedules::Topology& topology, int rank,
                  std::shared_ptr<const comm::measure::Calibration> calibration);

  const Candidate& candidate() const noexcept { return candidate_; }
  std::size_t bytes() const { return static_cast<std::size_t>(bucket_.elements()) * sizeof(float); }
  // Encoded bytes that this rank sends; of a library the least that any allreduce needs.
  std::size_t wire_bytes() const;

  // Refills the bucket and sums once; returns the seconds on this rank. Collective.
  double run();
  // Compares the result of the last run() on every rank with the reference executor's. Collective.
  Verdict verify();

 private:
  Precision precision() const;
  // The correct result in a part of the bucket, from the contributions `values`, by rank.
  std::vector<float> expected(const comm::schedules::Shard& part,
                              std::vector<std::vector<float>> values) const;

  comm::engine::Engine& engine_;
  TrialBucket& bucket_;
  Candidate candidate_;
  std::string algorithm_;  // resolved, if the candidate's is "auto"
  comm::schedules::Topology topology_;
  int rank_;
  std::int64_t step_ = 0;
  std::unique_ptr<comm::baseline::Baseline> baseline_;  // either this or exchange_ is set
  std::unique_ptr<comm::GradientExchange> exchange_;
};

}  // namespace eightfold::launch::bench
