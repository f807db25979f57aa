#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"
#include "runtime/optim/optimizers/optimizer_kind.hpp"

namespace eightfold::runtime::optim::optimizers {
namespace {

struct Options {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;
};

// Both moments begin at zero, which biases them towards it. The number of the update corrects that (Kingma
// and Ba 2015, section 3).
Rule make(const Options& options) {
  return {{"first_moment", "second_moment"}, [options](const Update& update) {
            return kernels::AdamwStep{update.learning_rate,
                                      static_cast<float>(options.beta1),
                                      static_cast<float>(options.beta2),
                                      static_cast<float>(options.epsilon),
                                      static_cast<float>(options.weight_decay),
                                      update.number};
          }};
}

}  // namespace

const OptimizerKind& adamw() {
  static const OptimizerKind kind = optimizer_kind<Options>(
      {.name = "adamw",
       .help = "Loshchilov and Hutter 2019.",
       .keys = {config::field("beta1", &Options::beta1,
                              {.help = "Decay of the mean gradient.", .range = config::from_to_below(0, 1)}),
                config::field("beta2", &Options::beta2,
                              {.help = "Decay of the mean square of the gradient.",
                               .range = config::from_to_below(0, 1)}),
                config::field("epsilon", &Options::epsilon,
                              {.help = "Added to the root of the mean square, against division by zero.",
                               .range = config::positive()}),
                weight_decay_key(&Options::weight_decay, "apart from the gradient")}},
      make);
  return kind;
}

}  // namespace eightfold::runtime::optim::optimizers
