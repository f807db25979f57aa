#include "launch/bench/table.hpp"

#include "kernels/base/median.hpp"
#include "kernels/base/rate.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace eightfold::launch::bench {
namespace {

// What a time comes to. busbw: the rate at which every rank's link would carry the least that an allreduce in
// fp32 can do with (as nccl-tests counts it).
struct Bandwidths {
  double algorithm_gbytes_per_s, bus_gbytes_per_s;
};

Bandwidths bandwidths(double bytes, double time_s, int ranks) {
  const double gbytes_per_s = 1e-9 * bytes / time_s;
  return {gbytes_per_s, gbytes_per_s * 2 * (ranks - 1) / ranks};
}

// The encoded bytes that a rank sends, at the rate that the links were seen to have.
double bound_s(const Timings& result, const Timing& each) {
  return each.wire_bytes > 0 ? static_cast<double>(each.wire_bytes) / result.goodput_bytes_per_s : 0;
}

}  // namespace

void print_timings(const Timings& result, int ranks) {
  if (result.goodput_bytes_per_s > 0)
    fmt::print("# every rank to its next neighbour, all at once: {}\n",
               base::format_rate(1e-9 * result.goodput_bytes_per_s));
  const auto print_head = [](auto... names) {
    fmt::print(
        "#{:>11} {:>11} {:>6} {:>21} {:>13} {:>11} {:>11} {:>11} {:>11} {:>8} {:>8} {:>8} {:>7} {:>11} "
        "{:>10}\n",
        names...);
  };
  print_head("size", "count", "type", "algorithm", "codec", "time", "least", "most", "bound", "algbw",
             "busbw", "busbw", "#wrong", "wire", "nmse");
  print_head("(B)", "(elements)", "", "", "", "(us)", "(us)", "(us)", "(us)", "(GB/s)", "(GB/s)", "(Gbit/s)",
             "", "(B)", "");
  for (const Timing& each : result.figures) {
    const double time_s = base::median(each.times_s);
    const auto bytes = static_cast<double>(each.elements) * sizeof(float);
    const auto [least, most] = std::ranges::minmax(each.times_s);
    const Bandwidths rates = bandwidths(bytes, time_s, ranks);
    fmt::print(
        " {:>11} {:>11} {:>6} {:>21} {:>13} {:>11.1f} {:>11.1f} {:>11.1f} {:>11.1f} {:>8.3f} {:>8.3f} "
        "{:>8.3f} {:>7} {:>11} {:>10.3g}\n",
        bytes, each.elements, "float", each.candidate.algorithm, to_string(each.candidate.format),
        1e6 * time_s, 1e6 * least, 1e6 * most, 1e6 * bound_s(result, each), rates.algorithm_gbytes_per_s,
        rates.bus_gbytes_per_s, base::kGbitsPerGbyte * rates.bus_gbytes_per_s, each.verdict.wrong,
        each.wire_bytes, each.verdict.nmse);
  }
}

command::ResultRow row_of(const Timings& result, const Timing& each, int ranks) {
  const double time_s = base::median(each.times_s);
  const std::size_t bytes = static_cast<std::size_t>(each.elements) * sizeof(float);
  const Bandwidths rates = bandwidths(static_cast<double>(bytes), time_s, ranks);
  return {{"size_bytes", bytes},
          {"ranks", ranks},
          {"algorithm", each.candidate.algorithm},
          {"codec", to_string(each.candidate.format)},
          {"time_us", 1e6 * time_s},
          {"bound_us", 1e6 * bound_s(result, each)},
          {"algbw_gbytes_per_s", rates.algorithm_gbytes_per_s},
          {"busbw_gbytes_per_s", rates.bus_gbytes_per_s},
          {"wire_bytes", each.wire_bytes},
          {"nmse", each.verdict.nmse},
          {"wrong", each.verdict.wrong}};
}

}  // namespace eightfold::launch::bench
