#pragma once

// Times of work that all ranks do together. The time on the slowest rank counts.

#include "comm/mpi/communicator.hpp"

#include <span>
#include <vector>

namespace eightfold::comm::mpi {

// The time of each repeat on its slowest rank. Every rank has measured the same number of repeats.
// Collective.
std::vector<double> slowest_of_ranks(Communicator& communicator, std::span<const double> times_s);

}  // namespace eightfold::comm::mpi
