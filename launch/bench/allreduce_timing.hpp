#pragma once

// Times allreduces beside each other: candidates on buckets of several sizes, which all take turns.

#include "comm/measure/calibration.hpp"
#include "launch/bench/collective_trial.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace eightfold::launch::bench {

struct TimingOptions {
  std::vector<Candidate> candidates;   // all of them supported
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
  std::vector<Timing> timings;  // by size, then by candidate, in the order of the options
  // Bytes per second that a rank sends while every rank sends to its next neighbour: the median over the
  // repeats. 0 with one rank.
  double goodput_bytes_per_s = 0;
};

// The same on every rank, but for wire_bytes. Collective.
Timings time_candidates(comm::mpi::Communicator& world, kernels::Device device, const TimingOptions& options);

// Medians of every allreduce that a job can choose from, for the calibration. They are MPI's and all
// schedules, with each format that they support. The sizes are those of `sizes`, in bytes, that are whole
// fp32 values. Collective.
std::vector<comm::measure::AllreduceTime> all_allreduce_times(comm::mpi::Communicator& world,
                                                              const kernels::Device& device,
                                                              const std::vector<std::size_t>& sizes,
                                                              int repeats);

}  // namespace eightfold::launch::bench
