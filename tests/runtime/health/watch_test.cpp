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
