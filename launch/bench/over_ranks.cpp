#include "launch/bench/over_ranks.hpp"

#include <bit>
#include <numeric>
#include <vector>

namespace eightfold::launch::bench {
namespace {

std::vector<double> from_all(comm::engine::Engine& engine, double mine) {
  std::vector<std::uint64_t> all;
  engine.run(
      [&](comm::mpi::Communicator& world) { all = world.all_gather(std::bit_cast<std::uint64_t>(mine)); });
  std::vector<double> values;
  for (const std::uint64_t bits : all) values.push_back(std::bit_cast<double>(bits));
  return values;
}

}  // namespace

double largest_of_ranks(comm::engine::Engine& engine, double mine) {
  double largest = 0;
  engine.run([&](comm::mpi::Communicator& world) { largest = world.max(mine); });
  return largest;
}

double mean_of_ranks(comm::engine::Engine& engine, double mine) {
  const std::vector<double> all = from_all(engine, mine);
  return std::accumulate(all.begin(), all.end(), 0.0) / static_cast<double>(all.size());
}

}  // namespace eightfold::launch::bench
