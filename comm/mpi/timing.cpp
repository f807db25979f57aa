#include "comm/mpi/timing.hpp"

#include <algorithm>
#include <bit>

namespace eightfold::comm::mpi {

std::vector<double> slowest_of_ranks(Communicator& communicator, std::span<const double> times_s) {
  std::vector<double> slowest;
  slowest.reserve(times_s.size());
  for (const double mine : times_s) {
    double largest = mine;
    for (const std::uint64_t bits : communicator.all_gather(std::bit_cast<std::uint64_t>(mine)))
      largest = std::max(largest, std::bit_cast<double>(bits));
    slowest.push_back(largest);
  }
  return slowest;
}

}  // namespace eightfold::comm::mpi
