#include "runtime/optim/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace eightfold::runtime::optim {
namespace {

double cosine(double final_fraction, const config::RunLength& length, std::int64_t warmup,
              std::int64_t step) {
  // The last step, length.steps - 1, is to have exactly final_fraction; a job that only warms up has no such
  // step.
  const auto span = static_cast<double>(std::max<std::int64_t>(1, length.steps - 1 - warmup));
  const double progress = std::min(1.0, static_cast<double>(step - warmup) / span);
  return final_fraction + (1 - final_fraction) * 0.5 * (1 + std::cos(std::numbers::pi * progress));
}

double stepped(const config::Schedule& schedule, const config::RunLength& length, std::int64_t step) {
  const std::int64_t epoch = step / length.steps_per_epoch;
  const auto passed = std::count_if(schedule.step_epochs.begin(), schedule.step_epochs.end(),
                                    [&](std::int64_t boundary) { return epoch >= boundary; });
  return std::pow(schedule.factor, static_cast<double>(passed));
}

}  // namespace

double learning_rate(const config::Schedule& schedule, double base_rate, const config::RunLength& length,
                     std::int64_t step) {
  if (step < schedule.warmup_steps)
    // From step + 1: with a rate of 0 the first step would change nothing.
    return base_rate * static_cast<double>(step + 1) / static_cast<double>(schedule.warmup_steps);
  switch (schedule.kind) {
    case config::ScheduleKind::constant:
      return base_rate;
    case config::ScheduleKind::step:
      return base_rate * stepped(schedule, length, step);
    case config::ScheduleKind::cosine:
      return base_rate * cosine(schedule.final_fraction, length, schedule.warmup_steps, step);
  }
  return base_rate;
}

}  // namespace eightfold::runtime::optim
