#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"
#include "runtime/optim/optimizers/optimizer_kind.hpp"

namespace eightfold::runtime::optim::optimizers {
namespace {

struct Options {
  double decay = 0.9;
  double momentum = 0;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

Rule make(const Options& options) {
  // State takes as much memory as the weights, so only a rule that reads it has it.
  return {options.momentum > 0 ? std::vector<std::string>{"mean_square", "momentum"}
                               : std::vector<std::string>{"mean_square"},
          [options](const Update& update) {
            return kernels::RmspropStep{
                update.learning_rate, static_cast<float>(options.decay), static_cast<float>(options.momentum),
                static_cast<float>(options.epsilon), static_cast<float>(options.weight_decay)};
          }};
}

}  // namespace

const OptimizerKind& rmsprop() {
  static const OptimizerKind kind = optimizer_kind<Options>(
      {.name = "rmsprop",
       .help = "Tieleman and Hinton 2012.",
       .keys = {config::field(
                    "decay", &Options::decay,
                    {.help = "Of the mean square of the gradient.", .range = config::from_to_below(0, 1)}),
                config::field("momentum", &Options::momentum,
                              {.help = "Part of the last step that is taken again.",
                               .range = config::from_to_below(0, 1)}),
                config::field("epsilon", &Options::epsilon,
                              {.help = "Added to the root of the mean square, against division by zero.",
                               .range = config::positive()}),
                weight_decay_key(&Options::weight_decay, "added to the gradient")}},
      make);
  return kind;
}

}  // namespace eightfold::runtime::optim::optimizers
