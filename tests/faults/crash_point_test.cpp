// The program is killed at a system call of its checkpoints, in whichever thread that is, while training goes
// on: what it left is enough to end in the bits of a run that was not killed.
#include "runtime/checkpoint/store.hpp"
#include "tests/faults/faulty_program.hpp"
#include "tests/support/test.hpp"

#include <fmt/format.h>

#include <csignal>

using namespace eightfold;
using namespace eightfold::test;

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kInterval = 5;

std::vector<std::string> calls_of(const fs::path& log) {
  return lines_with(contents_of(log), " ");
}

// The step whose checkpoint was being written by the last call on record.
std::int64_t step_under_way(const std::vector<std::string>& calls) {
  for (auto call = calls.rbegin(); call != calls.rend(); ++call)
    if (const std::size_t name = call->rfind("step-"); name != std::string::npos)
      return std::stoll(call->substr(name + 5, 8));
  return kInterval;  // before the first had a name
}

// The calls of all checkpoints of a run that nothing disturbs.
std::size_t count_points() {
  const Scratch scratch;
  run(faulty_training(scratch, 0, {{"FAULT_LOG", (scratch / "calls").string()}}));
  return calls_of(scratch / "calls").size();
}

void kill_and_go_on(std::size_t point, const std::string& expected) {
  CAPTURE(point);
  const Scratch scratch;
  const fs::path log = scratch / "calls";
  const Finished killed = run(faulty_training(
      scratch, 0,
      {{"FAULT_DO", "kill"}, {"FAULT_FROM", fmt::format("{}", point)}, {"FAULT_LOG", log.string()}}));
  REQUIRE(killed.status == -SIGKILL);
  const std::int64_t step = step_under_way(calls_of(log));
  const fs::path store = fs::directory_iterator(scratch / "runs/tiny")->path() / "checkpoints";
  const auto newest = runtime::checkpoint::newest(store);
  CHECK((newest ? newest->manifest.step : 0) >= step - kInterval);
  CHECK(result_of(run(faulty_training(scratch, 0, {}, {"--resume"})))["weight_hash"] == expected);
}

}  // namespace

TEST_CASE("a run killed while it writes a checkpoint goes on from that one or the one before") {
  const std::string expected = undisturbed_hash(0);
  const std::size_t points = count_points();
  REQUIRE(points > 100);
  for (const std::size_t part : {0, 1, 2, 3, 4, 5}) kill_and_go_on(1 + part * (points - 1) / 5, expected);
}

TEST_CASE("a run killed at any call of its checkpoints goes on from that one or the one before",
          "[.nightly]") {
  const std::string expected = undisturbed_hash(0);
  const std::size_t points = count_points();
  for (std::size_t point = 1; point <= points; ++point) kill_and_go_on(point, expected);
  WARN("killed at each of " << points << " calls");
}
