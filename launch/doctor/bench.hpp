#pragma once

// The measuring part of `eightfold doctor --bench`: every pair of ranks, then allreduces of all.

#include "comm/mpi/communicator.hpp"
#include "kernels/device.hpp"
#include "launch/command/result.hpp"

#include <optional>

namespace eightfold::launch::doctor {

struct DoctorBench {
  std::vector<command::ResultRow> rows;
  // The slowest rate between two ranks of different nodes, each way while both send, in 10^9 bytes a second;
  // nothing on one node.
  std::optional<double> slowest_gbytes_per_s;
  std::uint64_t wrong = 0;  // elements of the allreduces
};

// Prints as it goes. At least two ranks. The same on every rank. Collective.
DoctorBench bench_ranks(comm::mpi::Communicator& world, kernels::Device device);

}  // namespace eightfold::launch::doctor
