#include "runtime/optim/optimizer.hpp"

#include "kernels/base/error.hpp"
#include "kernels/optimizer.hpp"
#include "kernels/reduce.hpp"

namespace eightfold::runtime::optim {
namespace {

// The names of the state arenas, in the order in which step() hands them to the kernels.
std::vector<std::string> state_names(const config::Optimizer& config) {
  switch (config.kind) {
    case config::OptimizerKind::sgd:
      return config.momentum > 0 ? std::vector<std::string>{"momentum"} : std::vector<std::string>{};
    case config::OptimizerKind::rmsprop:
      return config.momentum > 0 ? std::vector<std::string>{"mean_square", "momentum"}
                                 : std::vector<std::string>{"mean_square"};
    case config::OptimizerKind::adamw:
      return {"first_moment", "second_moment"};
  }
  return {};
}

}  // namespace

Optimizer::Optimizer(const config::Optimizer& config, kernels::Tensor weights, kernels::Tensor gradients)
    : config_(config),
      weights_(weights),
      gradients_(gradients),
      sum_of_squares_(weights.device(), 1),
      clip_scale_(weights.device(), 1) {
  for (std::string& name : state_names(config))
    state_.push_back({std::move(name), {weights.device(), static_cast<std::size_t>(weights.elements())}});
}

void Optimizer::step(kernels::StreamView stream, double learning_rate, std::int64_t update) {
  kernels::ConstTensor scale;
  if (config_.clip_norm > 0) {
    kernels::sum_of_squares(stream, gradients_, sum_of_squares_.tensor());
    kernels::clip_scale(stream, sum_of_squares_.tensor(), static_cast<float>(config_.clip_norm),
                        clip_scale_.tensor());
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
  const auto state = [&](std::size_t index) {
    return index < state_.size() ? part(state_[index].arena.tensor()) : kernels::Tensor();
  };
  const kernels::Tensor gradients = part(gradients_), weights = part(weights_);
  const auto rate = static_cast<float>(learning_rate);
  const auto momentum = static_cast<float>(config_.momentum);
  const auto epsilon = static_cast<float>(config_.epsilon);
  const auto weight_decay = static_cast<float>(config_.weight_decay);
  switch (config_.kind) {
    case config::OptimizerKind::sgd:
      return kernels::sgd_step(stream, {rate, momentum, config_.nesterov, weight_decay}, scale, gradients,
                               weights, state(0));
    case config::OptimizerKind::rmsprop:
      return kernels::rmsprop_step(stream,
                                   {rate, static_cast<float>(config_.decay), momentum, epsilon, weight_decay},
                                   scale, gradients, weights, state(0), state(1));
    case config::OptimizerKind::adamw:
      return kernels::adamw_step(stream,
                                 {rate, static_cast<float>(config_.beta1), static_cast<float>(config_.beta2),
                                  epsilon, weight_decay, update},
                                 scale, gradients, weights, state(0), state(1));
  }
}

}  // namespace eightfold::runtime::optim
