#pragma once

// Times of what all ranks do together: it has taken as long as on its slowest rank.

#include "comm/mpi/communicator.hpp"

#include <span>
#include <vector>

namespace eightfold::comm::mpi {

// Of each repeat the time on its slowest rank. Every rank has measured as many. Collective.
std::vector<double> slowest_of_ranks(Communicator& communicator, std::span<const double> times_s);

}  // namespace eightfold::comm::mpi
