// The eightfold program: chooses a command, runs it, and returns its exit code.
#include "launch/command.hpp"
#include "runtime/version.hpp"

int main(int argc, char** argv) {
  using namespace eightfold;
  CLI::App program("eightfold trains neural networks on clusters, exchanging gradients in few bits.",
                   "eightfold");
  program.require_subcommand(1);
  program.set_version_flag(
      "--version", [] { return runtime::build_facts(); }, "What this program was built from and with");
  program.set_help_all_flag("--help-all", "Help of every command");
  program.footer(
      "First steps:\n"
      "  mpirun -np 2 eightfold train configs/jobs/digits-convnet.toml\n"
      "  eightfold config show configs/jobs/digits-convnet.toml --origin\n"
      "Exit codes: 0 done, 2 usage or config, 3 environment, 4 data, 7 numeric divergence, 1 a defect of "
      "eightfold;\n"
      "docs/errors.md explains them.");

  launch::Action chosen;
  launch::add_train(program, chosen);
  launch::add_evaluate(program, chosen);
  launch::add_config(program, chosen);
  launch::add_data(program, chosen);
  launch::add_checkpoint(program, chosen);
  launch::add_bench(program, chosen);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = program.exit(error);  // prints help, version or what is wrong
    return code == 0 ? 0 : static_cast<int>(base::ExitCode::usage);
  }
  return static_cast<int>(chosen());
}
