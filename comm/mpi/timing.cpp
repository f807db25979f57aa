#include "comm/mpi/timing.hpp"

namespace eightfold::comm::mpi {

std::vector<double> slowest_of_ranks(Communicator& communicator, std::span<const double> times_s) {
  std::vector<double> slowest;
  slowest.reserve(times_s.size());
  for (const double mine : times_s) slowest.push_back(communicator.max(mine));
  return slowest;
}

}  // namespace eightfold::comm::mpi
