#include "comm/mpi/agreed_error.hpp"
#include "kernels/base/log.hpp"
#include "launch/bench/bench.hpp"
#include "launch/bench/options.hpp"
#include "launch/bench/runner.hpp"
#include "launch/bench/table.hpp"
#include "launch/command/job.hpp"
#include "launch/command/result.hpp"

#include <fmt/ranges.h>

namespace eightfold::launch::bench {
namespace {

struct CollectiveOptions {
  std::vector<std::string> algorithms{"two_shot", "mpi"};
  std::vector<std::string> codecs{"dynamic-tree8", "fp32"};
  std::vector<std::string> sizes{"4KiB", "64KiB", "1MiB", "64MiB"};
  int repeats = 10;
  command::DeviceOption device;
  std::filesystem::path calibration;
  std::filesystem::path json;
};

// What can be measured; says what cannot.
TimingOptions plan(const CollectiveOptions& options, kernels::Device device) {
  TimingOptions plan;
  plan.repeats = options.repeats;
  for (const std::string& size : options.sizes)
    plan.elements.push_back(static_cast<std::int64_t>(parse_elements_option(size)));
  for (const std::string& algorithm : options.algorithms)
    for (const std::string& codec : options.codecs) {
      const Candidate candidate{algorithm, parse_format_option("--codec", codec)};
      if (const std::string reason = unsupported_reason(candidate, device); reason.empty())
        plan.candidates.push_back(candidate);
      else
        base::log_info("left out: {} with {}: {}", algorithm, codec, reason);
    }
  if (plan.candidates.empty())
    base::raise<base::ConfigError>("--algorithm {} --codec {}: there is nothing left to measure",
                                   fmt::join(options.algorithms, ","), fmt::join(options.codecs, ","));
  return plan;
}

void bench_collective(const CollectiveOptions& options, comm::mpi::Environment& environment) {
  comm::mpi::Communicator& world = environment.world();
  command::share_json_check(world, options.json);
  const command::Placement placement = command::place_rank(world, options.device);
  TimingOptions planned;
  comm::mpi::run_agreed(world, [&] { planned = plan(options, placement.place.device); });
  if (!options.calibration.empty())
    planned.calibration = std::make_shared<const comm::measure::Calibration>(
        comm::measure::share_calibration(world, options.calibration));
  const Timings result = time_candidates(world, placement.place.device, planned);
  std::uint64_t wrong = 0;
  std::vector<command::ResultRow> rows;
  for (const Timing& each : result.figures) {
    wrong += each.verdict.wrong;
    rows.push_back(row_of(result, each, world.size()));
  }
  if (world.rank() == 0) {
    print_timings(result, world.size());
    command::publish(options.json, runtime::run::environment_json(placement.facts), rows);
  }
  if (wrong > 0)
    throw comm::mpi::AgreedError(base::ExitCode::divergence,
                                 fmt::format("{} elements are not what the reference computes", wrong));
}

}  // namespace

void add_bench_collective(const command::Command& bench, command::Action& chosen) {
  auto options = std::make_shared<CollectiveOptions>();
  const command::Command command = bench.add_command(
      "collective", "Time allreduces against each other and against the network, and verify them");
  command.footer(
      "time: the median over the repeats of the slowest rank; bound: the encoded bytes that a rank sends, at "
      "the "
      "rate at\n"
      "which every rank sent 32 MiB to its next neighbour in the same run; busbw: as nccl-tests counts it, "
      "from "
      "fp32 bytes;\n"
      "#wrong: elements of all ranks whose bits are not the reference's. Baselines: mpi, mpi:1 to mpi:6 "
      "(Open "
      "MPI's own\n"
      "algorithms by number), gloo, gloo:halving_doubling. docs/benchmarking.md has the rest.");
  const auto add_list = [&](const char* name, std::vector<std::string>& list, const char* help) {
    command.add_option(name, list, help).comma_separated().show_default();
  };
  add_list("--algorithm", options->algorithms, "Algorithms and baselines, separated by commas");
  add_list("--codec", options->codecs, "Formats, separated by commas: each with each algorithm that can");
  add_list("--sizes", options->sizes, "Sizes of the fp32 values, separated by commas");
  command.add_option("--repeats", options->repeats, "How often everything is timed")
      .show_default()
      .in_range(1, 1000000);
  command.add_option("--calibration", options->calibration, "What `bench link` wrote, for the algorithm auto")
      .type_name("FILE");
  options->device.add_to(command);
  command::add_json_option(command, options->json);
  command.callback([&chosen, options] {
    chosen = [options] {
      comm::baseline::allow_mpi_algorithms();
      return command::with_ranks(
          [&](comm::mpi::Environment& environment) { bench_collective(*options, environment); });
    };
  });
}

}  // namespace eightfold::launch::bench
