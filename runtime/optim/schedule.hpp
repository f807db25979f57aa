#pragma once

// The learning rate as a pure function of the step.

#include "runtime/config/job.hpp"

#include <cstdint>

namespace eightfold::runtime::optim {

// The rate for step `step` (from 0). First, over warmup_steps, it rises linearly to base_rate (Goyal et al.
// 2017, section 2.2). Then it is
//   constant  base_rate
//   step      base_rate * factor ^ (epochs of step_epochs that are over)
//   cosine    half a cosine from base_rate to final_fraction * base_rate at the last step (Loshchilov and
//   Hutter 2017)
double learning_rate(const config::Schedule& schedule, double base_rate, const config::RunLength& length,
                     std::int64_t step);

}  // namespace eightfold::runtime::optim
