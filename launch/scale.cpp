// eightfold scale
#include "launch/scale.hpp"

namespace eightfold::launch {

void add_scale(CLI::App& program, Action& chosen) {
  CLI::App& scale = *program.add_subcommand("scale", "Find out how many nodes are worth it");
  scale.require_subcommand(1);
  add_scale_run(scale, chosen);
  add_scale_simulate(scale, chosen);
  add_scale_report(scale, chosen);
}

}  // namespace eightfold::launch
