#pragma once

// The training steps of a job on one rank. Every choice that the job leaves open is made before the first
// step: a worker reads no configuration.

#include "kernels/stream.hpp"
#include "runtime/data/input_stage.hpp"
#include "runtime/data/loader.hpp"
#include "runtime/model/model.hpp"
#include "runtime/optim/guard.hpp"
#include "runtime/optim/optimizer.hpp"
#include "runtime/run/session.hpp"

#include <cstdint>
#include <functional>
#include <vector>

namespace eightfold::runtime::run {

// When the weights of a bucket are updated.
enum class Update {
  by_bucket,  // as soon as its own sum is there, while later buckets are still on their way
  at_once     // with all others, when the last sum is there
};

struct StepPlan {
  kernels::StreamView stream;
  model::Model& model;
  data::InputStage& input_stage;
  optim::Optimizer& optimizer;
  optim::Guard& guard;
  // Spans of the gradients that are exchanged as one operation, in the order in which they complete.
  std::vector<model::ArenaSpan> buckets;
  data::LoaderJob samples;  // which samples, in which order, for which steps
  std::uint64_t seed = 0;   // of dropout
  // True if a bucket is submitted as soon as the backward pass has completed it; false: with all others.
  bool overlaps = true;
  // True if the exchange leaves numbers between the tensors of the gradient arena, where zeros belong.
  bool clears_padding = false;
  Update update = Update::by_bucket;
  // Of a step, counted from 0.
  std::function<double(std::int64_t step)> learning_rate;
};

// Steps [first_step, end_step) of the session's job. The session outlives the plan.
StepPlan plan_steps(Session& session, std::int64_t first_step, std::int64_t end_step);

}  // namespace eightfold::runtime::run
