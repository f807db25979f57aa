// eightfold bench collective
#include "comm/mpi/agreed_error.hpp"
#include "kernels/base/log.hpp"
#include "launch/bench/allreduce_table.hpp"
#include "launch/bench/allreduce_timing.hpp"
#include "launch/bench/bench.hpp"
#include "launch/bench/options.hpp"

#include <fmt/ranges.h>

#include <filesystem>
#include <string>
#include <vector>

namespace eightfold::launch::bench {
namespace {

class CollectiveBench final : public Bench {
 public:
  void add_options(const command::Command& command) override {
    const auto add_list = [&](const char* name, std::vector<std::string>& list, const char* help) {
      command.add_option(name, list, help).comma_separated().show_default();
    };
    add_list("--algorithm", algorithms_, "Algorithms and baselines, separated by commas");
    add_list("--codec", codecs_, "Formats, separated by commas: each with each algorithm that can");
    add_list("--sizes", sizes_, "Sizes of the fp32 values, separated by commas");
    add_repeats_option(command, repeats_);
    command.add_option("--calibration", calibration_, "What `bench link` wrote, for the algorithm auto")
        .type_name("FILE");
    device_.add_to(command);
  }

  runtime::config::DeviceChoice known_device() const override { return device_.choice(); }

  void plan(const comm::mpi::Communicator&) override {}  // the device decides which candidates there are

  command::Placement place(comm::mpi::Communicator& world) override {
    return command::place_rank(world, device_);
  }

  Figures measure(comm::mpi::Communicator& world, const command::Placement& placement) override {
    TimingOptions options;
    comm::mpi::run_agreed(world, [&] { options = timing_options(placement.place.device); });
    if (!calibration_.empty())
      options.calibration = std::make_shared<const comm::measure::Calibration>(
          comm::measure::share_calibration(world, calibration_));
    const Timings result = time_candidates(world, placement.place.device, options);
    if (world.rank() == 0) print_timings(result, world.size());
    Figures figures;
    for (const Timing& each : result.timings) {
      figures.wrong += each.verdict.wrong;
      figures.rows.push_back(row_of(result, each, world.size()));
    }
    return figures;
  }

 private:
  // Every algorithm with every codec at every size; logs the pairs that cannot be measured.
  TimingOptions timing_options(kernels::Device device) const {
    TimingOptions options;
    options.repeats = repeats_;
    for (const std::string& size : sizes_)
      options.elements.push_back(static_cast<std::int64_t>(parse_elements_option(size)));
    for (const std::string& algorithm : algorithms_)
      for (const std::string& codec : codecs_) {
        const Candidate candidate{algorithm, parse_format_option("--codec", codec)};
        if (const std::string reason = unsupported_reason(candidate, device); reason.empty())
          options.candidates.push_back(candidate);
        else
          base::log_info("left out: {} with {}: {}", algorithm, codec, reason);
      }
    if (options.candidates.empty())
      base::raise<base::ConfigError>("--algorithm {} --codec {}: there is nothing left to measure",
                                     fmt::join(algorithms_, ","), fmt::join(codecs_, ","));
    return options;
  }

  std::vector<std::string> algorithms_{"two_shot", "mpi"};
  std::vector<std::string> codecs_{"dynamic-tree8", "fp32"};
  std::vector<std::string> sizes_{"4KiB", "64KiB", "1MiB", "64MiB"};
  int repeats_ = 10;
  command::DeviceOption device_;
  std::filesystem::path calibration_;
};

}  // namespace

const Descriptor kCollectiveBench = {
    .name = "collective",
    .help = "Time allreduces against each other and against the network, and verify them",
    .footer =
        "time: the median over the repeats of the slowest rank; bound: the encoded bytes that a rank sends, "
        "at the rate at\n"
        "which every rank sent 32 MiB to its next neighbour in the same run; busbw: as nccl-tests counts it, "
        "from fp32 bytes;\n"
        "#wrong: elements of all ranks whose bits are not the reference's. Baselines: mpi, mpi:1 to mpi:6 "
        "(Open MPI's own\n"
        "algorithms by number), gloo, gloo:halving_doubling. docs/benchmarking.md has the rest.",
    .make = make_bench<CollectiveBench>,
    .before_mpi = comm::baseline::allow_mpi_algorithms};

}  // namespace eightfold::launch::bench
