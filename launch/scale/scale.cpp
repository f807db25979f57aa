// eightfold scale
#include "launch/scale/scale.hpp"

namespace eightfold::launch::scale {

void add_scale(const command::Command& program, command::Action& chosen) {
  const command::Command scale = program.add_command("scale", "Find out how many nodes are worth it");
  scale.require_command();
  add_scale_run(scale, chosen);
  add_scale_simulate(scale, chosen);
  add_scale_report(scale, chosen);
}

}  // namespace eightfold::launch::scale
