#pragma once

// Offsets of other nodes' wall clocks against rank 0's.

#include "comm/mpi/communicator.hpp"

#include <optional>
#include <vector>

namespace eightfold::comm::mpi {

struct ClockOffset {
  double ahead_s = 0;  // behind, if negative
  double error_s = 0;  // at most: half of the fastest way there and back
};

// The offset of this rank's clock, on rank 0. Cristian's method: of several questions the one that was
// answered fastest counts. Collective.
ClockOffset clock_offset_of(Communicator& communicator, int rank);

// By rank, on rank 0, for the first rank of each node; nothing for the others, which share its clock.
// Collective.
std::vector<std::optional<ClockOffset>> clock_offsets(Communicator& communicator);

}  // namespace eightfold::comm::mpi
