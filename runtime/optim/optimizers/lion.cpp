#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"
#include "runtime/optim/optimizers/optimizer_kind.hpp"

namespace eightfold::runtime::optim::optimizers {
namespace {

struct Options {
  double beta1 = 0.9;
  double beta2 = 0.99;
  double weight_decay = 0;
};

Rule make(const Options& options) {
  return {{"momentum"}, [options](const Update& update) {
            return kernels::LionStep{update.learning_rate, static_cast<float>(options.beta1),
                                     static_cast<float>(options.beta2),
                                     static_cast<float>(options.weight_decay)};
          }};
}

}  // namespace

const OptimizerKind& lion() {
  static const OptimizerKind kind = optimizer_kind<Options>(
      {.name = "lion",
       .help = "Chen et al. 2023; takes a learning rate several times smaller than that of adamw.",
       .keys = {config::field("beta1", &Options::beta1,
                              {.help = "Part of the mean gradient in the direction of a step.",
                               .range = config::from_to_below(0, 1)}),
                config::field("beta2", &Options::beta2,
                              {.help = "Decay of the mean gradient.", .range = config::from_to_below(0, 1)}),
                weight_decay_key(&Options::weight_decay, "apart from the gradient")}},
      make);
  return kind;
}

}  // namespace eightfold::runtime::optim::optimizers
