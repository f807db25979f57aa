#include "comm/measure/calibration.hpp"
#include "comm/mpi/agreed_error.hpp"
#include "comm/mpi/timing.hpp"
#include "comm/schedules/generators.hpp"
#include "kernels/base/clock.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/median.hpp"
#include "kernels/base/parse.hpp"
#include "kernels/base/rate.hpp"
#include "launch/bench/bench.hpp"
#include "launch/bench/codec_speed.hpp"
#include "launch/bench/processor.hpp"
#include "launch/bench/runner.hpp"
#include "launch/command/job.hpp"
#include "launch/command/result.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <sstream>

namespace eightfold::launch::bench {
namespace {

using comm::measure::LinkMeter;
using comm::measure::RankPair;

struct LinkOptions {
  std::vector<std::string> sizes{"8B", "1KiB", "8KiB", "32KiB", "256KiB", "2MiB", "16MiB"};
  std::string pairs = "nodes";
  int repeats = 10;
  command::DeviceOption device;
  std::filesystem::path calibration;
  std::filesystem::path json;
};

constexpr std::uint64_t kLargestMessage = std::uint64_t{1} << 30;

struct LinkPlan {
  std::vector<std::size_t> sizes;  // ascending, at least two
  comm::measure::PairChoice pairs;
};

LinkPlan plan(const LinkOptions& options) {
  LinkPlan plan;
  for (const std::string& text : options.sizes) {
    const auto bytes = base::parse_bytes(text);
    if (!bytes || *bytes == 0 || *bytes > kLargestMessage)
      base::raise<base::ConfigError>("--sizes {}: a size is one like 8B or 2MiB, up to {}", text,
                                     base::format_bytes(kLargestMessage));
    plan.sizes.push_back(*bytes);
  }
  std::ranges::sort(plan.sizes);
  const auto repeated = std::ranges::unique(plan.sizes);
  plan.sizes.erase(repeated.begin(), repeated.end());
  if (plan.sizes.size() < 2)
    base::raise<base::ConfigError>("--sizes {}: latency and rate need two sizes at least",
                                   fmt::join(options.sizes, ","));
  if (options.pairs != "nodes" && options.pairs != "all")
    base::raise<base::ConfigError>("--pairs {}: it is nodes or all", options.pairs);
  plan.pairs = options.pairs == "all" ? comm::measure::PairChoice::all : comm::measure::PairChoice::nodes;
  return plan;
}

// One pair of ranks, and its times by size.
struct PairFigures {
  RankPair pair;
  bool shares_node;
  std::vector<double> one_way_s, both_ways_s;
  comm::measure::LinkModel model;

  std::string_view link() const { return shares_node ? "same_node" : "other_node"; }
};

double gbytes_per_s(std::size_t bytes, double time_s) {
  return 1e-9 * static_cast<double>(bytes) / time_s;
}

PairFigures measure(LinkMeter& meter, const LinkPlan& plan, const RankPair& pair, bool shares_node) {
  PairFigures figures{pair, shares_node, {}, {}, {}};
  std::vector<comm::measure::LinkSample> samples;
  for (const std::size_t bytes : plan.sizes) {
    figures.one_way_s.push_back(meter.one_way_s(pair, bytes));
    figures.both_ways_s.push_back(meter.both_ways_s(pair, bytes));
    samples.push_back({bytes, figures.both_ways_s.back()});
  }
  figures.model = fit_link(samples);
  return figures;
}

void print_heading() {
  const auto print_line = [](auto... names) {
    fmt::print("#{:>6} {:>6} {:>10} {:>10} {:>12} {:>8} {:>8} {:>12} {:>8} {:>8}\n", names...);
  };
  print_line("first", "second", "link", "size", "one way", "", "", "both ways", "each way", "");
  print_line("", "", "", "(B)", "(us)", "(GB/s)", "(Gbit/s)", "(us)", "(GB/s)", "(Gbit/s)");
}

void print_table(const LinkPlan& plan, const PairFigures& figures) {
  for (std::size_t i = 0; i < plan.sizes.size(); ++i) {
    const std::size_t bytes = plan.sizes[i];
    const double one_way_s = figures.one_way_s[i], both_ways_s = figures.both_ways_s[i];
    const double one_way = gbytes_per_s(bytes, one_way_s), each_way = gbytes_per_s(bytes, both_ways_s);
    fmt::print(" {:>6} {:>6} {:>10} {:>10} {:>12.2f} {:>8.3f} {:>8.3f} {:>12.2f} {:>8.3f} {:>8.3f}\n",
               figures.pair.first, figures.pair.second, figures.link(), bytes, 1e6 * one_way_s, one_way,
               base::kGbitsPerGbyte * one_way, 1e6 * both_ways_s, each_way, base::kGbitsPerGbyte * each_way);
  }
}

command::ResultRow row_of(const LinkPlan& plan, const PairFigures& figures) {
  const std::size_t largest = plan.sizes.back();
  return {{"pattern", "pair"},
          {"first", figures.pair.first},
          {"second", figures.pair.second},
          {"link", figures.link()},
          {"latency_us", 1e6 * figures.one_way_s.front()},
          {"one_way_gbytes_per_s", gbytes_per_s(largest, figures.one_way_s.back())},
          {"both_ways_gbytes_per_s", gbytes_per_s(largest, figures.both_ways_s.back())},
          {"alpha_us", 1e6 * figures.model.latency_s},
          {"beta_ns_per_byte", 1e9 / figures.model.bytes_per_s}};
}

// The model of all links of a kind: a collective is as slow as its slowest link.
std::optional<comm::measure::LinkModel> slowest_link(const std::vector<PairFigures>& pairs,
                                                     bool shares_node) {
  std::optional<comm::measure::LinkModel> slowest;
  for (const PairFigures& figures : pairs) {
    if (figures.shares_node != shares_node) continue;
    if (!slowest) slowest = figures.model;
    slowest->latency_s = std::max(slowest->latency_s, figures.model.latency_s);
    slowest->bytes_per_s = std::min(slowest->bytes_per_s, figures.model.bytes_per_s);
  }
  return slowest;
}

std::vector<std::string> split(const std::string& hosts) {
  std::vector<std::string> names;
  std::istringstream stream(hosts);
  for (std::string name; std::getline(stream, name, ',');) names.push_back(name);
  return names;
}

// On every rank the same, measured on all of them at once. Collective.
std::vector<comm::measure::CodecSpeed> slowest_codecs(comm::mpi::Communicator& world,
                                                      const kernels::Device& device, int repeats) {
  const kernels::Stream stream(device);
  world.barrier();
  std::vector<comm::measure::CodecSpeed> speeds = codec_speeds(stream, repeats);
  for (comm::measure::CodecSpeed& speed : speeds) {
    const double times_s[] = {1 / speed.encode_bytes_per_s, 1 / speed.decode_bytes_per_s};
    const std::vector<double> slowest = slowest_of_ranks(world, times_s);
    speed.encode_bytes_per_s = 1 / slowest[0];
    speed.decode_bytes_per_s = 1 / slowest[1];
  }
  return speeds;
}

// How long the allreduces take that a job can choose from. Collective.
std::vector<comm::measure::AllreduceTime> allreduce_times(comm::mpi::Communicator& world,
                                                          const kernels::Device& device, const LinkPlan& plan,
                                                          int repeats) {
  TimingOptions options;
  options.repeats = repeats;
  options.is_verified = false;
  for (const std::size_t bytes : plan.sizes)
    if (bytes % sizeof(float) == 0)
      options.elements.push_back(static_cast<std::int64_t>(bytes / sizeof(float)));
  std::vector<std::string> algorithms{"mpi"};
  for (const auto& generator : comm::schedules::generators())
    if (generator.collective == comm::schedules::Collective::all_reduce)
      algorithms.emplace_back(generator.name);
  for (const std::string& algorithm : algorithms)
    for (const quant8::Format format : quant8::all_formats())
      if (unsupported_reason({algorithm, format}, device).empty())
        options.candidates.push_back({algorithm, format});
  std::vector<comm::measure::AllreduceTime> times;
  for (const Timing& each : time_candidates(world, device, options).figures)
    times.push_back({each.candidate.algorithm, each.candidate.format,
                     static_cast<std::size_t>(each.elements) * sizeof(float), base::median(each.times_s)});
  return times;
}

// Everything about the links. Prints as it goes. Collective.
struct Figures {
  std::vector<PairFigures> pairs;
  double exchange_s;
};
Figures measure_all(comm::mpi::Communicator& world, const comm::schedules::Topology& topology,
                    const LinkPlan& plan, int repeats) {
  LinkMeter meter(world, {.repeats = repeats});
  Figures figures{};
  if (world.rank() == 0) print_heading();
  for (const RankPair& pair : rank_pairs(topology, plan.pairs)) {
    const bool shares_node = topology.node_of(pair.first) == topology.node_of(pair.second);
    figures.pairs.push_back(measure(meter, plan, pair, shares_node));
    if (world.rank() == 0) print_table(plan, figures.pairs.back());
  }
  figures.exchange_s = meter.ring_s(kGoodputBytes);
  if (world.rank() == 0)
    fmt::print("# every rank to its next neighbour, all at once: {}\n",
               base::format_rate(gbytes_per_s(kGoodputBytes, figures.exchange_s)));
  return figures;
}

// Writes what the links, the codecs and the allreduces come to. Collective.
void calibrate(comm::mpi::Communicator& world, const LinkOptions& options, const LinkPlan& plan,
               const command::Placement& placement, const Figures& figures) {
  const comm::measure::Calibration calibration{
      .machine = processor_model(),
      .device = placement.facts.device,
      .hosts = split(placement.facts.hosts),
      .date = base::utc_stamp(),
      .ranks = world.size(),
      .nodes = world.node_count(),
      .same_node = slowest_link(figures.pairs, true),
      .other_node = slowest_link(figures.pairs, false),
      .exchange_bytes_per_s = 1e9 * gbytes_per_s(kGoodputBytes, figures.exchange_s),
      .codecs = slowest_codecs(world, placement.place.device, options.repeats),
      .allreduces = allreduce_times(world, placement.place.device, plan, options.repeats)};
  if (world.rank() == 0) base::write_output_file(options.calibration, calibration_text(calibration));
  base::log_info("wrote {}", options.calibration.string());
}

void bench_link(const LinkOptions& options, comm::mpi::Environment& environment) {
  comm::mpi::Communicator& world = environment.world();
  LinkPlan plan;
  comm::mpi::run_agreed(world, [&] {
    plan = bench::plan(options);
    if (world.size() == 1)
      base::raise<base::ConfigError>("bench link measures between ranks: start it with mpirun -np 2 or more");
    if (world.rank() != 0) return;
    command::prepare_json(options.json);
    command::check_result_path("--calibration", options.calibration);
  });
  const command::Placement placement = command::place_rank(world, options.device);
  const comm::schedules::Topology topology = comm::schedules::discover_topology(world);

  const Figures figures = measure_all(world, topology, plan, options.repeats);
  std::vector<command::ResultRow> rows;
  for (const PairFigures& pair : figures.pairs) rows.push_back(row_of(plan, pair));
  rows.push_back({{"pattern", "exchange"},
                  {"ranks", world.size()},
                  {"size_bytes", kGoodputBytes},
                  {"time_us", 1e6 * figures.exchange_s},
                  {"goodput_gbytes_per_s", gbytes_per_s(kGoodputBytes, figures.exchange_s)}});
  if (!options.calibration.empty()) calibrate(world, options, plan, placement, figures);
  if (world.rank() == 0)
    command::publish(options.json, runtime::run::environment_json(placement.facts), rows);
}

}  // namespace

void add_bench_link(const command::Command& bench, command::Action& chosen) {
  auto options = std::make_shared<LinkOptions>();
  const command::Command command =
      bench.add_command("link", "Time messages between the ranks, pair by pair and all at once");
  command.footer(
      "Medians over the repeats. One way: half of there and back; both ways: until both ranks have what the "
      "other sent at\n"
      "the same time. alpha and beta: latency and time per byte that fit the times of both ways best. "
      "exchange: 32 MiB from\n"
      "every rank to its next neighbour, all at once, on the slowest rank. gbytes_per_s: 10^9 bytes a "
      "second. Longer\n"
      "messages travel in segments of 32 KiB. docs/benchmarking.md has the rest.");
  command.add_option("--sizes", options->sizes, "Sizes of the messages, separated by commas")
      .comma_separated()
      .show_default();
  command
      .add_option(
          "--pairs", options->pairs,
          "nodes: the first ranks of every two nodes and the first two of every node; all: every two ranks")
      .show_default();
  command.add_option("--repeats", options->repeats, "How often everything is timed")
      .show_default()
      .in_range(1, 1000000);
  command
      .add_option(
          "--calibration", options->calibration,
          "Write what was measured, and the speed of the codecs, to FILE for the choice of algorithms")
      .type_name("FILE");
  options->device.add_to(command);
  command::add_json_option(command, options->json);
  command::run_on_ranks(command, chosen, options, bench_link);
}

}  // namespace eightfold::launch::bench
