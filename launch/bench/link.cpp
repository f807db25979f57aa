// eightfold bench link
#include "comm/measure/calibration.hpp"
#include "comm/mpi/agreed_error.hpp"
#include "kernels/base/clock.hpp"
#include "kernels/base/file.hpp"
#include "kernels/base/log.hpp"
#include "kernels/base/parse.hpp"
#include "kernels/base/rate.hpp"
#include "launch/bench/allreduce_timing.hpp"
#include "launch/bench/bench.hpp"
#include "launch/bench/codec_speed.hpp"
#include "launch/bench/goodput.hpp"
#include "launch/bench/options.hpp"
#include "launch/bench/processor.hpp"
#include "launch/bench/table.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace eightfold::launch::bench {
namespace {

using comm::measure::LinkMeter;
using comm::measure::RankPair;
using Sizes = std::vector<std::size_t>;  // ascending, at least two

constexpr std::uint64_t kLargestMessage = std::uint64_t{1} << 30;

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

PairFigures measure_pair(LinkMeter& meter, const Sizes& sizes, const RankPair& pair, bool shares_node) {
  PairFigures figures{pair, shares_node, {}, {}, {}};
  std::vector<comm::measure::LinkSample> samples;
  for (const std::size_t bytes : sizes) {
    figures.one_way_s.push_back(meter.one_way_s(pair, bytes));
    figures.both_ways_s.push_back(meter.both_ways_s(pair, bytes));
    samples.push_back({bytes, figures.both_ways_s.back()});
  }
  figures.model = fit_link(samples);
  return figures;
}

const std::vector<Column>& columns() {
  static const std::vector<Column> columns = {{6, "first"},
                                              {6, "second"},
                                              {10, "link"},
                                              {10, "size", "(B)"},
                                              {12, "one way", "(us)"},
                                              {8, "", "(GB/s)"},
                                              {8, "", "(Gbit/s)"},
                                              {12, "both ways", "(us)"},
                                              {8, "each way", "(GB/s)"},
                                              {8, "", "(Gbit/s)"}};
  return columns;
}

void print_rows(const Sizes& sizes, const PairFigures& figures) {
  const auto us = [](double seconds) { return fmt::format("{:.2f}", 1e6 * seconds); };
  const auto rate = [](double value) { return fmt::format("{:.3f}", value); };
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double one_way_s = figures.one_way_s[i], both_ways_s = figures.both_ways_s[i];
    const double one_way = gbytes_per_s(sizes[i], one_way_s), each_way = gbytes_per_s(sizes[i], both_ways_s);
    fmt::print("{}",
               table_row(columns(), {std::to_string(figures.pair.first), std::to_string(figures.pair.second),
                                     std::string(figures.link()), std::to_string(sizes[i]), us(one_way_s),
                                     rate(one_way), rate(base::kGbitsPerGbyte * one_way), us(both_ways_s),
                                     rate(each_way), rate(base::kGbitsPerGbyte * each_way)}));
  }
}

command::ResultRow row_of(const Sizes& sizes, const PairFigures& figures) {
  const std::size_t largest = sizes.back();
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

// One model for all links of a kind, by the slowest of them: a collective waits for its slowest link.
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

class LinkBench final : public Bench {
 public:
  void add_options(const command::Command& command) override;
  runtime::config::DeviceChoice known_device() const override { return device_.choice(); }
  void plan(const comm::mpi::Communicator& world) override;
  command::Placement place(comm::mpi::Communicator& world) override {
    return command::place_rank(world, device_);
  }
  Figures measure(comm::mpi::Communicator& world, const command::Placement& placement) override;

 private:
  struct Links {
    std::vector<PairFigures> pairs;
    double exchange_s = 0;  // 32 MiB from every rank to its next neighbour, all at once
  };
  Links measure_links(comm::mpi::Communicator& world) const;
  void calibrate(comm::mpi::Communicator& world, const command::Placement& placement,
                 const Links& links) const;

  std::vector<std::string> size_texts_{"8B", "1KiB", "8KiB", "32KiB", "256KiB", "2MiB", "16MiB"};
  std::string pairs_ = "nodes";
  int repeats_ = 10;
  command::DeviceOption device_;
  std::filesystem::path calibration_;

  Sizes sizes_;
};

void LinkBench::add_options(const command::Command& command) {
  command.add_option("--sizes", size_texts_, "Sizes of the messages, separated by commas")
      .comma_separated()
      .show_default();
  command
      .add_option(
          "--pairs", pairs_,
          "nodes: the first ranks of every two nodes and the first two of every node; all: every two ranks")
      .show_default();
  add_repeats_option(command, repeats_);
  command
      .add_option(
          "--calibration", calibration_,
          "Write what was measured, and the speed of the codecs, to FILE for the choice of algorithms")
      .type_name("FILE");
  device_.add_to(command);
}

void LinkBench::plan(const comm::mpi::Communicator& world) {
  for (const std::string& text : size_texts_) {
    const auto bytes = base::parse_bytes(text);
    if (!bytes || *bytes == 0 || *bytes > kLargestMessage)
      base::raise<base::ConfigError>("--sizes {}: a size is one like 8B or 2MiB, up to {}", text,
                                     base::format_bytes(kLargestMessage));
    sizes_.push_back(*bytes);
  }
  std::ranges::sort(sizes_);
  const auto repeated = std::ranges::unique(sizes_);
  sizes_.erase(repeated.begin(), repeated.end());
  if (sizes_.size() < 2)
    base::raise<base::ConfigError>("--sizes {}: latency and rate need two sizes at least",
                                   fmt::join(size_texts_, ","));
  if (pairs_ != "nodes" && pairs_ != "all")
    base::raise<base::ConfigError>("--pairs {}: it is nodes or all", pairs_);
  if (world.size() == 1)
    base::raise<base::ConfigError>("bench link measures between ranks: start it with mpirun -np 2 or more");
  if (world.rank() == 0) command::check_result_path("--calibration", calibration_);
}

Figures LinkBench::measure(comm::mpi::Communicator& world, const command::Placement& placement) {
  const Links links = measure_links(world);
  if (!calibration_.empty()) calibrate(world, placement, links);
  Figures figures;
  for (const PairFigures& pair : links.pairs) figures.rows.push_back(row_of(sizes_, pair));
  figures.rows.push_back({{"pattern", "exchange"},
                          {"ranks", world.size()},
                          {"size_bytes", kGoodputBytes},
                          {"time_us", 1e6 * links.exchange_s},
                          {"goodput_gbytes_per_s", gbytes_per_s(kGoodputBytes, links.exchange_s)}});
  return figures;
}

// Every chosen pair by itself, then all ranks at once. Collective.
LinkBench::Links LinkBench::measure_links(comm::mpi::Communicator& world) const {
  const comm::schedules::Topology topology = comm::schedules::discover_topology(world);
  const auto choice = pairs_ == "all" ? comm::measure::PairChoice::all : comm::measure::PairChoice::nodes;
  LinkMeter meter(world, {.repeats = repeats_});
  Links links;
  if (world.rank() == 0) fmt::print("{}", table_heading(columns()));
  for (const RankPair& pair : rank_pairs(topology, choice)) {
    const bool shares_node = topology.node_of(pair.first) == topology.node_of(pair.second);
    links.pairs.push_back(measure_pair(meter, sizes_, pair, shares_node));
    if (world.rank() == 0) print_rows(sizes_, links.pairs.back());
  }
  links.exchange_s = meter.ring_s(kGoodputBytes);
  if (world.rank() == 0)
    fmt::print("# every rank to its next neighbour, all at once: {}\n",
               base::format_rate(gbytes_per_s(kGoodputBytes, links.exchange_s)));
  return links;
}

// Measures codecs and allreduces too, and writes all of it to the file. Collective.
void LinkBench::calibrate(comm::mpi::Communicator& world, const command::Placement& placement,
                          const Links& links) const {
  const kernels::Device device = placement.place.device;
  const comm::measure::Calibration calibration{
      .machine = processor_model(),
      .device = placement.facts.device,
      .hosts = split(placement.facts.hosts),
      .date = base::utc_stamp(),
      .ranks = world.size(),
      .nodes = world.node_count(),
      .same_node = slowest_link(links.pairs, true),
      .other_node = slowest_link(links.pairs, false),
      .exchange_bytes_per_s = 1e9 * gbytes_per_s(kGoodputBytes, links.exchange_s),
      .codecs = slowest_codec_speeds(world, device, repeats_),
      .allreduces = all_allreduce_times(world, device, sizes_, repeats_)};
  if (world.rank() == 0) base::write_output_file(calibration_, calibration_text(calibration));
  base::log_info("wrote {}", calibration_.string());
}

}  // namespace

const Descriptor kLinkBench = {
    .name = "link",
    .help = "Time messages between the ranks, pair by pair and all at once",
    .footer =
        "Medians over the repeats. One way: half of there and back; both ways: until both ranks have what "
        "the other sent at\n"
        "the same time. alpha and beta: latency and time per byte that fit the times of both ways best. "
        "exchange: 32 MiB from\n"
        "every rank to its next neighbour, all at once, on the slowest rank. gbytes_per_s: 10^9 bytes a "
        "second. Longer\n"
        "messages travel in segments of 32 KiB. docs/benchmarking.md has the rest.",
    .make = make_bench<LinkBench>};

}  // namespace eightfold::launch::bench
