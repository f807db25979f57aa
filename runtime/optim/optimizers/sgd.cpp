#include "kernels/base/error.hpp"
#include "runtime/config/field.hpp"
#include "runtime/config/ranges.hpp"
#include "runtime/config/together.hpp"
#include "runtime/optim/optimizers/optimizer_kind.hpp"

namespace eightfold::runtime::optim::optimizers {
namespace {

struct Options {
  double momentum = 0;
  bool nesterov = false;
  double weight_decay = 0;
};

Rule make(const Options& options) {
  // State takes as much memory as the weights, so only a rule that reads it has it.
  return {options.momentum > 0 ? std::vector<std::string>{"momentum"} : std::vector<std::string>{},
          [options](const Update& update) {
            return kernels::SgdStep{update.learning_rate, static_cast<float>(options.momentum),
                                    options.nesterov, static_cast<float>(options.weight_decay)};
          }};
}

void check(const Options& options, const config::Together& together) {
  together.check({"kind", "nesterov", "momentum"}, [&] {
    if (options.nesterov && options.momentum == 0)
      base::raise<base::ConfigError>("{}: {} has no effect with {} = 0.0; allowed with momentum above 0",
                                     together.place("nesterov"), together.full_name("nesterov"),
                                     together.full_name("momentum"));
  });
}

}  // namespace

const OptimizerKind& sgd() {
  static const OptimizerKind kind = optimizer_kind<Options>(
      {.name = "sgd",
       .help = "gradient descent, with momentum if it is not 0.",
       .keys = {config::field("momentum", &Options::momentum,
                              {.help = "Part of the last step that is taken again.",
                               .range = config::from_to_below(0, 1)}),
                config::field(
                    "nesterov", &Options::nesterov,
                    {.help = "Nesterov's momentum: look ahead along the momentum; needs momentum above 0."}),
                weight_decay_key(&Options::weight_decay, "added to the gradient")},
       .check = check},
      make);
  return kind;
}

}  // namespace eightfold::runtime::optim::optimizers
