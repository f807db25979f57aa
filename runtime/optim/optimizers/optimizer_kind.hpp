#pragma once

// A kind of optimizer: its description (runtime/config/kind.hpp) and its rule.

#include "kernels/optimizer.hpp"
#include "runtime/config/field.hpp"
#include "runtime/config/kind.hpp"
#include "runtime/config/ranges.hpp"

#include <fmt/format.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace eightfold::runtime::optim::optimizers {

// The values that change from one update to the next.
struct Update {
  float learning_rate = 0;
  std::int64_t number = 1;  // counts from 1
};

// An optimizer with its options.
struct Rule {
  // The state that it keeps between updates, in the order of the step's tensors. Checkpoints have these
  // names.
  std::vector<std::string> state;
  std::function<kernels::OptimizerStep(const Update&)> step;
};

// The key "weight_decay" of a kind; `how` says how it is applied.
template <class Options>
config::Key<Options> weight_decay_key(double Options::*member, std::string_view how) {
  return config::field(
      "weight_decay", member,
      {.help = fmt::format("Pull of the weights towards 0, {}.", how), .range = config::not_negative()});
}

struct OptimizerKind : config::KindFacts {
  std::function<Rule(const config::Choice&)> make;
};

template <class Options>
OptimizerKind optimizer_kind(config::Kind<Options> kind, Rule (*make)(const Options&)) {
  const auto shared = std::make_shared<const config::Kind<Options>>(std::move(kind));
  return {config::facts_of(shared),
          [shared, make](const config::Choice& choice) { return make(shared->options(choice)); }};
}

}  // namespace eightfold::runtime::optim::optimizers
