#include "runtime/optim/optimizer.hpp"

#include "kernels/base/error.hpp"
#include "kernels/reduce.hpp"
#include "runtime/optim/optimizers/registry.hpp"

#include <array>
#include <span>

namespace eightfold::runtime::optim {
namespace {

// No rule keeps more; a step allocates nothing.
constexpr std::size_t kMostStates = 4;

}  // namespace

Optimizer::Optimizer(const config::Optimizer& config, kernels::Tensor weights, kernels::Tensor gradients)
    : rule_(optimizers::find_optimizer_kind(config.kind).make(config)),
      clip_norm_(static_cast<float>(config.clip_norm)),
      weights_(weights),
      gradients_(gradients),
      sum_of_squares_(weights.device(), 1),
      clip_scale_(weights.device(), 1) {
  base::require(rule_.state.size() <= kMostStates, "{} states of an optimizer", rule_.state.size());
  for (const std::string& name : rule_.state)
    state_.push_back({name, {weights.device(), static_cast<std::size_t>(weights.elements())}});
}

void Optimizer::step(kernels::StreamView stream, double learning_rate, std::int64_t update) {
  kernels::ConstTensor scale;
  if (clip_norm_ > 0) {
    kernels::sum_of_squares(stream, gradients_, sum_of_squares_.tensor());
    kernels::clip_scale(stream, sum_of_squares_.tensor(), clip_norm_, clip_scale_.tensor());
    // The factor stays on the device: the step reads it there, and the host waits for nothing.
    scale = clip_scale_.tensor();
  }
  apply(stream, learning_rate, update, scale, {0, weights_.elements()});
}

void Optimizer::step(kernels::StreamView stream, double learning_rate, std::int64_t update,
                     const model::ArenaSpan& span) {
  base::require(!needs_all_gradients(), "clipping needs the gradients of all spans");
  apply(stream, learning_rate, update, {}, span);
}

void Optimizer::apply(kernels::StreamView stream, double learning_rate, std::int64_t update,
                      kernels::ConstTensor scale, const model::ArenaSpan& span) {
  const auto part = [&](kernels::Tensor arena) { return arena.rows(span.begin, span.end - span.begin); };
  std::array<kernels::Tensor, kMostStates> state;
  for (std::size_t i = 0; i < state_.size(); ++i) state[i] = part(state_[i].arena.tensor());
  kernels::optimizer_step(stream, rule_.step({static_cast<float>(learning_rate), update}),
                          {scale, part(gradients_), part(weights_), std::span(state).first(state_.size())});
}

}  // namespace eightfold::runtime::optim
