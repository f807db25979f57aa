#pragma once

// The optimizer of a job: its state lives in arenas of the layout of the weights, and a step is one pass over
// them.

#include "kernels/buffer.hpp"
#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"
#include "runtime/config/job.hpp"
#include "runtime/model/arena.hpp"
#include "runtime/optim/optimizers/optimizer_kind.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace eightfold::runtime::optim {

class Optimizer {
 public:
  // For these weights and gradients, two arenas of one layout, which outlive this. State starts as zeros.
  Optimizer(const config::Optimizer& config, kernels::Tensor weights, kernels::Tensor gradients);

  // One update with the gradients as they are. `update` counts updates from 1. Clips first, if the job says
  // so.
  void step(kernels::StreamView stream, double learning_rate, std::int64_t update);
  // The same for a span of the arenas: those of a step may be updated one after the other, to the same bits.
  // Not where needs_all_gradients().
  void step(kernels::StreamView stream, double learning_rate, std::int64_t update,
            const model::ArenaSpan& span);
  // True if no weight can be updated before all gradients are there: clipping looks at their norm.
  bool needs_all_gradients() const noexcept { return clip_norm_ > 0; }

  // The state to save for an exact resume: named arenas.
  struct State {
    std::string name;
    kernels::Buffer<float> arena;
  };
  const std::vector<State>& state() const noexcept { return state_; }

 private:
  void apply(kernels::StreamView stream, double learning_rate, std::int64_t update,
             kernels::ConstTensor scale, const model::ArenaSpan& span);

  optimizers::Rule rule_;
  float clip_norm_;
  kernels::Tensor weights_, gradients_;
  std::vector<State> state_;
  kernels::Buffer<double> sum_of_squares_;
  kernels::Buffer<float> clip_scale_;
};

}  // namespace eightfold::runtime::optim
