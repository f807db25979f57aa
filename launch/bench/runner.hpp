#pragma once

// Candidates of `bench collective` against each other, on buckets of several sizes: repeat by repeat they all
// take turns, so that what disturbs one disturbs the others too.

#include "launch/bench/collective_trial.hpp"

#include <memory>
#include <string>
#include <vector>

namespace eightfold::launch::bench {

struct TimingOptions {
  std::vector<Candidate> candidates;   // without obstacles
  std::vector<std::int64_t> elements;  // of the buckets
  int repeats = 10;
  bool is_verified = true;
  std::shared_ptr<const comm::measure::Calibration> calibration;  // for "auto", or null
};

// One candidate at one size.
struct Timing {
  Candidate candidate;
  std::int64_t elements = 0;
  std::vector<double> times_s;  // by repeat, of the slowest rank
  std::size_t wire_bytes = 0;   // that rank 0 sends
  CollectiveTrial::Verdict verdict;
};

struct Timings {
  std::vector<Timing> figures;  // by size, then by candidate, as asked for
  // What a rank sends in a second when all of them send to their next neighbour at once; the median over
  // repeats. 0 with one rank.
  double goodput_bytes_per_s = 0;
};

// The same on every rank, but for wire_bytes. Collective.
Timings time_candidates(comm::mpi::Communicator& world, kernels::Device device, const TimingOptions& options);

// Bytes that every rank sends where goodput is measured.
inline constexpr std::size_t kGoodputBytes = std::size_t{32} << 20;

}  // namespace eightfold::launch::bench
