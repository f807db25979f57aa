#pragma once

// The measuring part of `eightfold doctor --bench`: every pair of ranks, then allreduces of all.

#include "comm/mpi/communicator.hpp"
#include "kernels/device.hpp"
#include "launch/command/result.hpp"

#include <optional>

namespace eightfold::launch::doctor {

struct DoctorBench {
  std::vector<command::ResultRow> rows;
  // What a rank sends to one of another node while it receives as much, between the slowest two; nothing on
  // one node. In 10^9 bytes a second.
  std::optional<double> slowest_gbytes_per_s;
  std::uint64_t wrong = 0;  // elements of the allreduces
};

// Prints as it goes. At least two ranks. The same on every rank. Collective.
DoctorBench bench_ranks(comm::mpi::Communicator& world, kernels::Device device);

}  // namespace eightfold::launch::doctor
