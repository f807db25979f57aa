#include "runtime/health/rank_report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace eightfold::runtime::health {
namespace {

using Json = nlohmann::json;

constexpr double kGiB = 1024.0 * 1024 * 1024;

template <class Value>
void put(Json& record, const char* key, const std::optional<Value>& value) {
  if (value) record[key] = *value;
}

Json record_of(const GpuHealth& gpu) {
  Json record = Json::object();
  put(record, "clock_mhz", gpu.clock_mhz);
  put(record, "max_clock_mhz", gpu.max_clock_mhz);
  put(record, "temperature_c", gpu.temperature_c);
  put(record, "power_w", gpu.power_w);
  put(record, "power_limit_w", gpu.power_limit_w);
  put(record, "memory_used_bytes", gpu.memory_used_bytes);
  put(record, "memory_bytes", gpu.memory_bytes);
  if (gpu.throttle_reasons) record["throttled"] = words_for(*gpu.throttle_reasons);
  return record;
}

// The least and the most of what the ranks know.
struct Range {
  std::optional<double> least, most;

  template <class Value>
  void add(const std::optional<Value>& value) {
    if (!value) return;
    const auto number = static_cast<double>(*value);
    least = std::min(least.value_or(number), number);
    most = std::max(most.value_or(number), number);
  }
  std::string text(int decimals) const {
    const std::string low = fmt::format("{:.{}f}", *least, decimals);
    const std::string high = fmt::format("{:.{}f}", *most, decimals);
    return low == high ? low : fmt::format("{} to {}", low, high);
  }
};

// "55 to 91 of 100 C": nothing where nobody knows the value.
void say(std::vector<std::string>& parts, const char* what, const Range& value, const Range& limit,
         int decimals, const char* unit) {
  if (!value.least) return;
  parts.push_back(fmt::format("{}{}{} {}", what, value.text(decimals),
                              limit.least ? " of " + limit.text(decimals) : "", unit));
}

}  // namespace

std::vector<RankReport> gather(comm::mpi::Communicator& communicator, const RankReport& mine) {
  static_assert(std::is_trivially_copyable_v<RankReport>);
  std::vector<RankReport> reports;
  for (const std::string& bytes :
       communicator.gather({reinterpret_cast<const char*>(&mine), sizeof mine}, 0)) {
    reports.emplace_back();
    std::memcpy(&reports.back(), bytes.data(), sizeof mine);
  }
  return reports;
}

std::vector<std::string> gather_names(comm::mpi::Communicator& communicator, const std::string& gpu_address) {
  return communicator.gather(fmt::format("rank {} ({}{}{})", communicator.rank(), communicator.host(),
                                         gpu_address.empty() ? "" : ", GPU ", gpu_address),
                             0);
}

Json record_of(std::span<const RankReport> reports) {
  Json records = Json::array();
  for (const RankReport& report : reports) {
    Json record = {{"busy_ms", report.busy_ms}, {"data_wait_ms", report.data_wait_ms}};
    if (Json gpu = record_of(report.gpu); !gpu.empty()) record["gpu"] = std::move(gpu);
    records.push_back(std::move(record));
  }
  return records;
}

std::string summary_of(std::span<const RankReport> reports) {
  Range clock, max_clock, temperature, power, limit, used, memory;
  for (const RankReport& report : reports) {
    const GpuHealth& gpu = report.gpu;
    clock.add(gpu.clock_mhz);
    max_clock.add(gpu.max_clock_mhz);
    temperature.add(gpu.temperature_c);
    power.add(gpu.power_w);
    limit.add(gpu.power_limit_w);
    const auto gib = [](std::uint64_t bytes) { return static_cast<double>(bytes) / kGiB; };
    if (gpu.memory_used_bytes) used.add(std::optional(gib(*gpu.memory_used_bytes)));
    if (gpu.memory_bytes) memory.add(std::optional(gib(*gpu.memory_bytes)));
  }
  std::vector<std::string> parts;
  say(parts, "clock ", clock, max_clock, 0, "MHz");
  say(parts, "", temperature, {}, 0, "C");
  say(parts, "", power, limit, 0, "W");
  say(parts, "memory ", used, memory, 1, "GiB");
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string throttled_ranks(std::span<const RankReport> reports) {
  std::vector<std::string> throttled;
  for (std::size_t rank = 0; rank < reports.size(); ++rank)
    if (const std::string why = throttling_of(reports[rank].gpu); !why.empty())
      throttled.push_back(fmt::format("rank {} ({})", rank, why));
  return fmt::format("{}", fmt::join(throttled, ", "));
}

std::string throttling_of(const GpuHealth& gpu) {
  return fmt::format("{}", fmt::join(words_for(gpu.throttle_reasons.value_or(0)), ", "));
}

}  // namespace eightfold::runtime::health
