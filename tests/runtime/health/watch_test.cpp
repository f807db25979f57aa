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

TEST_CASE("a rank that needs longer than the median twice in a row is named once, until it keeps up") {
  Watch watch({"a", "b", "c"});
  const std::vector<RankReport> even{{10, 0, {}}, {11, 0, {}}, {12, 0, {}}};
  const std::vector<RankReport> late{{10, 0, {}}, {20, 1, {}}, {11, 0, {}}};
  CHECK(watch.look_at(even).empty());
  CHECK(watch.look_at(late).empty());
  CHECK(watch.look_at(even).empty());
  CHECK(watch.look_at(late).empty());
  CHECK(watch.look_at(late) ==
        Lines{"b is a straggler: 20.00 ms of its own in a step, the median rank 11.00"});
  CHECK(watch.look_at(late).empty());
  CHECK(watch.look_at(even).empty());
  CHECK(watch.look_at(late).empty());  // one quick interval is noise, too
  CHECK(watch.look_at(even).empty());
  CHECK(watch.look_at(even) == Lines{"b is no longer a straggler"});
  CHECK(watch.look_at(even).empty());
}

TEST_CASE("a straggler is measured by the other rank where there are two, and nobody is one alone") {
  Watch two({"a", "b"});
  const std::vector<RankReport> reports{{14, 0, {}}, {10, 0, {}}};
  two.look_at(reports);
  CHECK(two.look_at(reports).size() == 1);
  const std::vector<RankReport> bearable{{13, 0, {}}, {10, 0, {}}};
  Watch other({"a", "b"});
  other.look_at(bearable);
  CHECK(other.look_at(bearable).empty());
  Watch one({"a"});
  CHECK(one.look_at(std::vector<RankReport>{{100, 0, {}}}).empty());
  CHECK(one.look_at({}).empty());
}

TEST_CASE("a straggler's line has the reason where one is known") {
  Watch watch({"a", "b", "c"});
  const std::vector<RankReport> reports{{10, 0, {}}, {30, 15, {}}, {10, 0, {}}};
  watch.look_at(reports);
  CHECK(watch.look_at(reports) == Lines{"b is a straggler: 30.00 ms of its own in a step, the median rank "
                                        "10.00; 15.00 ms of it wait for data"});
}

TEST_CASE("a throttled GPU is named when that begins and when it ends") {
  Watch watch({"rank 0 (n0, GPU x)", "rank 1 (n1, GPU y)"});
  const std::vector<RankReport> hot{{10, 0, {}}, {20, 0, throttled()}}, cool{{10, 0, {}}, {10, 0, {}}};
  CHECK(watch.look_at(hot).empty());
  CHECK(
      watch.look_at(hot) ==
      Lines{
          "rank 1 (n1, GPU y): the GPU is throttled: too hot (hardware); clock 1005 MHz",
          "rank 1 (n1, GPU y) is a straggler: 20.00 ms of its own in a step, the median rank 10.00; its GPU "
          "is throttled: too hot (hardware)"});
  CHECK(watch.look_at(cool).empty());
  CHECK(watch.look_at(cool) == Lines{"rank 1 (n1, GPU y): the GPU is no longer throttled",
                                     "rank 1 (n1, GPU y) is no longer a straggler"});
}
