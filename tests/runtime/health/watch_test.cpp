#include "runtime/health/watch.hpp"

#include "tests/support/test.hpp"

using namespace eightfold::runtime::health;

namespace {

using Lines = std::vector<std::string>;

GpuHealth throttled() {
  GpuHealth health;
  health.clock_mhz = 1005;
  health.throttle_reasons = 0x40;
  return health;
}

}  // namespace

TEST_CASE("a throttled GPU is named when that begins and when it ends") {
  Watch watch({"rank 0 (n0, GPU x)", "rank 1 (n1, GPU y)"});
  const std::vector<RankReport> hot{{10, 0, {}}, {20, 0, throttled()}}, cool{{10, 0, {}}, {10, 0, {}}};
  CHECK(watch.look_at(hot).empty());
  CHECK(watch.look_at(cool).empty());  // one report is noise
  CHECK(watch.look_at(hot).empty());
  CHECK(watch.look_at(hot) ==
        Lines{"rank 1 (n1, GPU y): the GPU is throttled: too hot (hardware); clock 1005 MHz"});
  CHECK(watch.look_at(hot).empty());
  CHECK(watch.look_at(cool).empty());
  CHECK(watch.look_at(cool) == Lines{"rank 1 (n1, GPU y): the GPU is no longer throttled"});
  CHECK(watch.look_at({}).empty());
}

TEST_CASE("a GPU that is throttled on and off is counted") {
  Watch watch({"rank 0 (n0, GPU x)"});
  const std::vector<RankReport> hot{{20, 0, throttled()}}, cool{{10, 0, {}}};
  Lines lines;
  for (int spell = 0; spell < 12; ++spell)
    for (const auto& reports : {hot, hot, cool, cool})
      for (const std::string& line : watch.look_at(reports)) lines.push_back(line);
  CHECK(lines.size() == 2);
  CHECK(watch.finish() == Lines{"rank 0 (n0, GPU x): the GPU was throttled 11 more times since the last line "
                                "about it, and is not now"});
  CHECK(watch.finish().empty());
}
