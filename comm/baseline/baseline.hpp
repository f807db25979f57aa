#pragma once

// Other libraries' allreduces, for comparison. MPI's runs the algorithm that it chooses or one that we name;
// gloo's needs a build that found libgloo. They add fp32 numbers in host memory and block. The order of their
// additions is their own.

#include "comm/mpi/communicator.hpp"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace eightfold::comm::baseline {

class Baseline {
 public:
  virtual ~Baseline() = default;

  // The values that it was made for become their sums over the ranks. Collective, on the thread that calls
  // MPI.
  virtual void allreduce() = 0;
};

// "mpi", "mpi:1" to "mpi:6" (Open MPI's algorithms by its own numbers), "gloo" (its ring), or
// "gloo:halving_doubling".
bool is_baseline(std::string_view name);
std::string baseline_names();

// Why this build and job cannot run a baseline; empty where they can. Needs MPI.
std::string unsupported_reason(std::string_view name);

// `values` outlive it. Throws EnvironmentError where unsupported_reason() has one. Collective.
std::unique_ptr<Baseline> make_baseline(std::string_view name, mpi::Communicator& communicator,
                                        std::span<float> values);

// Before MPI starts: asks Open MPI to let "mpi:1" and its like choose, which costs "mpi" nothing. Leaves the
// environment alone if it says something of this already.
void allow_mpi_algorithms();

}  // namespace eightfold::comm::baseline
