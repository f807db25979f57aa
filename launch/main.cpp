// The eightfold program: chooses a command, runs it, and returns its exit code.
#include "kernels/base/signals.hpp"
#include "launch/bench/bench.hpp"
#include "launch/commands.hpp"
#include "launch/doctor/doctor.hpp"
#include "launch/process/wait_policy.hpp"
#include "launch/scale/scale.hpp"
#include "launch/supervise/launch.hpp"
#include "runtime/telemetry/version.hpp"

#include <cstdlib>

int main(int argc, char** argv) {
  using namespace eightfold;
  launch::process::sleep_where_cores_are_shared(argv);
  // As many queues to a GPU as there may be, before a driver is loaded. With the default of 8, CUDA puts
  // several streams of a rank into one queue, where one waits for what another is held up by.
  ::setenv("CUDA_DEVICE_MAX_CONNECTIONS", "32", 0);
  base::ignore_output_signals();
  launch::command::CommandLine line(
      {"eightfold", "eightfold trains neural networks on clusters, exchanging gradients in few bits.",
       "First steps:\n"
       "  mpirun -np 2 eightfold train configs/jobs/digits-convnet.toml\n"
       "  eightfold config show configs/jobs/digits-convnet.toml --origin\n"
       "Exit codes: 0 done, 2 usage or config, 3 environment, 4 data, 5 a rank was lost, 6 a rank hung,\n"
       "7 numeric divergence, 75 stopped, --resume goes on, 1 a defect of eightfold;\n"
       "docs/errors.md explains them.",
       runtime::telemetry::build_facts});
  const launch::command::Command program = line.program();
  launch::command::Action chosen;
  launch::add_train(program, chosen);
  launch::add_evaluate(program, chosen);
  launch::add_config(program, chosen);
  launch::add_data(program, chosen);
  launch::add_checkpoint(program, chosen);
  launch::bench::add_bench(program, chosen);
  launch::doctor::add_doctor(program, chosen);
  launch::scale::add_scale(program, chosen);
  launch::supervise::add_launch(program, chosen);
  if (const auto ended = line.parse(argc, argv)) return static_cast<int>(*ended);
  return static_cast<int>(chosen());
}
