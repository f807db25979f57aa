#include "runtime/optim/schedule.hpp"

#include "tests/support/test.hpp"

#include <cmath>
#include <numbers>

using namespace eightfold::runtime;

namespace {

constexpr config::RunLength kTenEpochs{.steps_per_epoch = 10, .steps = 100};

config::Schedule schedule(config::ScheduleKind kind, std::int64_t warmup_steps = 0) {
  config::Schedule schedule;
  schedule.kind = kind;
  schedule.warmup_steps = warmup_steps;
  return schedule;
}

}  // namespace

TEST_CASE("a constant schedule is the base rate at every step") {
  for (const std::int64_t step : {0, 1, 50, 99, 100000})
    CHECK(optim::learning_rate(schedule(config::ScheduleKind::constant), 0.3, kTenEpochs, step) == 0.3);
}

TEST_CASE("warm-up rises in a straight line and reaches the base rate with its last step") {
  const auto warm = schedule(config::ScheduleKind::constant, 4);
  CHECK(optim::learning_rate(warm, 2.0, kTenEpochs, 0) == 0.5);
  CHECK(optim::learning_rate(warm, 2.0, kTenEpochs, 1) == 1.0);
  CHECK(optim::learning_rate(warm, 2.0, kTenEpochs, 3) == 2.0);
  CHECK(optim::learning_rate(warm, 2.0, kTenEpochs, 4) == 2.0);
}

TEST_CASE("a step schedule multiplies by its factor when each of its epochs is over") {
  auto stepped = schedule(config::ScheduleKind::step);
  stepped.step_epochs = {2, 5};
  stepped.factor = 0.5;
  const auto rate = [&](std::int64_t step) { return optim::learning_rate(stepped, 8.0, kTenEpochs, step); };
  CHECK(rate(0) == 8.0);
  CHECK(rate(19) == 8.0);
  CHECK(rate(20) == 4.0);
  CHECK(rate(49) == 4.0);
  CHECK(rate(50) == 2.0);
  CHECK(rate(99) == 2.0);
}

TEST_CASE("a step schedule warms up on the base rate first") {
  auto stepped = schedule(config::ScheduleKind::step, 30);
  stepped.step_epochs = {1};
  stepped.factor = 0.1;
  CHECK(optim::learning_rate(stepped, 3.0, kTenEpochs, 14) == Approx(1.5));
  CHECK(optim::learning_rate(stepped, 3.0, kTenEpochs, 29) == Approx(3.0));
  CHECK(optim::learning_rate(stepped, 3.0, kTenEpochs, 30) == Approx(0.3));
}

TEST_CASE("a cosine goes from the base rate over the half at the middle to the final one at the last step") {
  auto cosine = schedule(config::ScheduleKind::cosine);
  cosine.final_fraction = 0.2;
  const config::RunLength length{.steps_per_epoch = 10, .steps = 101};
  const auto rate = [&](std::int64_t step) { return optim::learning_rate(cosine, 5.0, length, step); };
  CHECK(rate(0) == Approx(5.0));
  CHECK(rate(50) == Approx(3.0));
  CHECK(rate(100) == Approx(1.0));
  CHECK(rate(25) == Approx(1.0 + 4.0 * 0.5 * (1 + std::cos(std::numbers::pi / 4))));
  for (std::int64_t step = 0; step < 100; ++step) CHECK(rate(step + 1) < rate(step));
}

TEST_CASE("a cosine starts when the warm-up is over") {
  auto cosine = schedule(config::ScheduleKind::cosine, 50);
  CHECK(optim::learning_rate(cosine, 1.0, kTenEpochs, 49) == Approx(1.0));
  CHECK(optim::learning_rate(cosine, 1.0, kTenEpochs, 50) == Approx(1.0));
  CHECK(optim::learning_rate(cosine, 1.0, kTenEpochs, 99) == Approx(0.0).margin(1e-12));
}

TEST_CASE("a run that is over before or as its warm-up ends has finite rates") {
  const config::RunLength tiny{.steps_per_epoch = 1, .steps = 1};
  CHECK(optim::learning_rate(schedule(config::ScheduleKind::cosine), 1.0, tiny, 0) == Approx(1.0));
  CHECK(optim::learning_rate(schedule(config::ScheduleKind::cosine, 1), 1.0, tiny, 0) == Approx(1.0));
  CHECK(optim::learning_rate(schedule(config::ScheduleKind::cosine, 10), 1.0, tiny, 0) == Approx(0.1));
}
