#include "launch/bench/allreduce_table.hpp"

#include "kernels/base/median.hpp"
#include "kernels/base/rate.hpp"
#include "launch/bench/table.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace eightfold::launch::bench {
namespace {

// busbw, as nccl-tests counts it: the rate at which every rank's link would carry the least bytes that an
// allreduce in fp32 needs.
struct Bandwidths {
  double algorithm_gbytes_per_s, bus_gbytes_per_s;
};

Bandwidths bandwidths(double bytes, double time_s, int ranks) {
  const double gbytes_per_s = 1e-9 * bytes / time_s;
  return {gbytes_per_s, gbytes_per_s * 2 * (ranks - 1) / ranks};
}

// The encoded bytes that a rank sends, over the goodput of the links in the same run.
double bound_s(const Timings& result, const Timing& each) {
  return each.wire_bytes > 0 ? static_cast<double>(each.wire_bytes) / result.goodput_bytes_per_s : 0;
}

// The columns of nccl-tests, then what a codec changes: the bytes on the wire and the error of the sum.
const std::vector<Column>& columns() {
  static const std::vector<Column> columns = {{11, "size", "(B)"},
                                              {11, "count", "(elements)"},
                                              {6, "type"},
                                              {21, "algorithm"},
                                              {13, "codec"},
                                              {11, "time", "(us)"},
                                              {11, "least", "(us)"},
                                              {11, "most", "(us)"},
                                              {11, "bound", "(us)"},
                                              {8, "algbw", "(GB/s)"},
                                              {8, "busbw", "(GB/s)"},
                                              {8, "busbw", "(Gbit/s)"},
                                              {7, "#wrong"},
                                              {11, "wire", "(B)"},
                                              {10, "nmse"}};
  return columns;
}

std::vector<std::string> cells_of(const Timings& result, const Timing& each, int ranks) {
  const double time_s = base::median(each.times_s);
  const std::size_t bytes = static_cast<std::size_t>(each.elements) * sizeof(float);
  const auto [least, most] = std::ranges::minmax(each.times_s);
  const Bandwidths rates = bandwidths(static_cast<double>(bytes), time_s, ranks);
  const auto us = [](double seconds) { return fmt::format("{:.1f}", 1e6 * seconds); };
  const auto rate = [](double value) { return fmt::format("{:.3f}", value); };
  return {std::to_string(bytes),
          std::to_string(each.elements),
          "float",
          each.candidate.algorithm,
          std::string(to_string(each.candidate.format)),
          us(time_s),
          us(least),
          us(most),
          us(bound_s(result, each)),
          rate(rates.algorithm_gbytes_per_s),
          rate(rates.bus_gbytes_per_s),
          rate(base::kGbitsPerGbyte * rates.bus_gbytes_per_s),
          std::to_string(each.verdict.wrong),
          std::to_string(each.wire_bytes),
          fmt::format("{:.3g}", each.verdict.nmse)};
}

}  // namespace

void print_timings(const Timings& result, int ranks) {
  if (result.goodput_bytes_per_s > 0)
    fmt::print("# every rank to its next neighbour, all at once: {}\n",
               base::format_rate(1e-9 * result.goodput_bytes_per_s));
  fmt::print("{}", table_heading(columns()));
  for (const Timing& each : result.timings)
    fmt::print("{}", table_row(columns(), cells_of(result, each, ranks)));
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
