#include "launch/doctor/bench.hpp"

#include "comm/measure/link.hpp"
#include "kernels/base/parse.hpp"
#include "launch/bench/allreduce_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace eightfold::launch::doctor {
namespace {

constexpr int kRepeats = 5;
constexpr std::size_t kMatrixBytes = std::size_t{8} << 20;
// With more ranks only the first rank of each node is paired: the number of pairs grows with the square.
constexpr int kAllPairs = 16;

using Matrix = std::map<std::pair<int, int>, double>;  // GB/s each way

void print_matrix(const Matrix& matrix) {
  std::vector<int> ranks;
  for (const auto& [pair, rate] : matrix)
    for (const int rank : {pair.first, pair.second})
      if (std::ranges::find(ranks, rank) == ranks.end()) ranks.push_back(rank);
  std::ranges::sort(ranks);
  fmt::print(
      "# GB/s each way (times 8: Gbit/s) between two ranks, both sending {} of host memory at once\n#{:>6}",
      base::format_bytes(kMatrixBytes), "");
  for (const int column : ranks) fmt::print(" {:>8}", column);
  for (const int row : ranks) {
    fmt::print("\n {:>6}", row);
    for (const int column : ranks) {
      const auto found = matrix.find({std::min(row, column), std::max(row, column)});
      fmt::print(" {:>8}", found == matrix.end() ? "-" : fmt::format("{:.3f}", found->second));
    }
  }
  fmt::print("\n");
}

// Collective.
void measure_pairs(comm::mpi::Communicator& world, DoctorBench& bench) {
  const comm::schedules::Topology topology = comm::schedules::discover_topology(world);
  const comm::measure::PairChoice choice =
      world.size() <= kAllPairs ? comm::measure::PairChoice::all : comm::measure::PairChoice::nodes;
  comm::measure::LinkMeter meter(world, {.repeats = kRepeats});
  Matrix matrix;
  for (const comm::measure::RankPair& pair : rank_pairs(topology, choice)) {
    const double latency_s = meter.one_way_s(pair, 8);
    const double gbytes_per_s =
        1e-9 * static_cast<double>(kMatrixBytes) / meter.both_ways_s(pair, kMatrixBytes);
    const bool shares_node = topology.node_of(pair.first) == topology.node_of(pair.second);
    matrix[{pair.first, pair.second}] = gbytes_per_s;
    if (!shares_node)
      bench.slowest_gbytes_per_s = std::min(bench.slowest_gbytes_per_s.value_or(gbytes_per_s), gbytes_per_s);
    bench.rows.push_back({{"id", "pair"},
                          {"first", pair.first},
                          {"second", pair.second},
                          {"link", shares_node ? "same_node" : "other_node"},
                          {"latency_us", 1e6 * latency_s},
                          {"both_ways_gbytes_per_s", gbytes_per_s}});
  }
  if (world.rank() == 0) print_matrix(matrix);
}

// Collective.
void measure_allreduces(comm::mpi::Communicator& world, kernels::Device device, DoctorBench& bench) {
  bench::TimingOptions options;
  options.repeats = kRepeats;
  for (const std::size_t bytes : {std::size_t{4} << 10, std::size_t{256} << 10, std::size_t{16} << 20})
    options.elements.push_back(static_cast<std::int64_t>(bytes / sizeof(float)));
  for (const bench::Candidate& candidate :
       {bench::Candidate{"mpi", quant8::Format::fp32}, bench::Candidate{"two_shot", quant8::Format::fp32},
        bench::Candidate{"two_shot", quant8::Format::dynamic_tree8}})
    if (bench::unsupported_reason(candidate, device).empty()) options.candidates.push_back(candidate);
  const bench::Timings result = bench::time_candidates(world, device, options);
  if (world.rank() == 0) bench::print_timings(result, world.size());
  for (const bench::Timing& each : result.timings) {
    bench.wrong += each.verdict.wrong;
    bench.rows.push_back(row_of(result, each, world.size()));
    bench.rows.back()["id"] = "allreduce";
  }
}

}  // namespace

DoctorBench bench_ranks(comm::mpi::Communicator& world, kernels::Device device) {
  DoctorBench bench;
  measure_pairs(world, bench);
  measure_allreduces(world, device, bench);
  return bench;
}

}  // namespace eightfold::launch::doctor
