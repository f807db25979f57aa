#include "runtime/health/rank_report.hpp"

#include "tests/support/test.hpp"

#include <nlohmann/json.hpp>

using namespace eightfold::runtime::health;
using Json = nlohmann::json;

namespace {

GpuHealth gpu(unsigned clock_mhz, unsigned temperature_c, std::uint64_t reasons) {
  GpuHealth health;
  health.clock_mhz = clock_mhz;
  health.max_clock_mhz = 1980;
  health.temperature_c = temperature_c;
  health.power_w = 300;
  health.power_limit_w = 700;
  health.memory_used_bytes = 3ULL << 29;
  health.memory_bytes = 4ULL << 30;
  health.throttle_reasons = reasons;
  return health;
}

}  // namespace

TEST_CASE("a record has what is known of each rank") {
  const std::vector<RankReport> reports{{10, 2, gpu(1005, 91, 0x44)}, {5, 0, {}}};
  const Json expected = Json::parse(R"json([
    {"busy_ms": 10.0, "data_wait_ms": 2.0,
     "gpu": {"clock_mhz": 1005, "max_clock_mhz": 1980, "temperature_c": 91, "power_w": 300.0,
             "power_limit_w": 700.0, "memory_used_bytes": 1610612736, "memory_bytes": 4294967296,
             "throttled": ["power cap", "too hot (hardware)"]}},
    {"busy_ms": 5.0, "data_wait_ms": 0.0}])json");
  CHECK(record_of(reports) == expected);
  CHECK(record_of({}) == Json::array());
}

TEST_CASE("a summary goes from the least to the most of the GPUs") {
  const std::vector<RankReport> reports{{10, 0, gpu(1005, 91, 0x40)}, {5, 0, {}}, {5, 0, gpu(1980, 55, 1)}};
  CHECK(summary_of(reports) ==
        "clock 1005 to 1980 of 1980 MHz, 55 to 91 C, 300 of 700 W, memory 1.5 of 4.0 GiB");
  CHECK(throttled_ranks(reports) == "rank 0 (too hot (hardware))");
  CHECK(summary_of(std::vector<RankReport>{{5, 0, {}}}).empty());
  CHECK(throttled_ranks({}).empty());
}
