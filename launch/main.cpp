// The eightfold program: chooses a command, runs it, and returns its exit code.
#include "launch/command.hpp"
#include "runtime/version.hpp"

#include <fmt/ranges.h>

#include <cstdlib>
#include <string_view>

namespace {

// Every rank reads the same command line, and does not understand the same things, long before MPI could tell
// its number: the launchers' variables do.
bool is_first_rank() {
  for (const char* variable : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"})
    if (const char* rank = std::getenv(variable); rank != nullptr) return std::string_view(rank) == "0";
  return true;
}

std::string names_of(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return fmt::format("{}", fmt::join(names, ", "));
}

// One line like every other error.
std::string complaint(const CLI::App* program, const CLI::Error& error) {
  if (!is_first_rank()) return {};
  const CLI::App* command = program;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().back();
  const std::vector<std::string> unknown = command->remaining();
  if (command->get_require_subcommand_min() > 0 && !unknown.empty())
    return fmt::format("error: {} does not know {}; its commands are {}\n", command->get_name(),
                       unknown.front(), names_of(command->get_subcommands({})));
  return fmt::format("error: {}; --help explains the commands\n", error.what());
}

}  // namespace

int main(int argc, char** argv) {
  using namespace eightfold;
  CLI::App program("eightfold trains neural networks on clusters, exchanging gradients in few bits.",
                   "eightfold");
  program.require_subcommand(1);
  program.failure_message(complaint);
  program.set_version_flag(
      "--version", [] { return runtime::build_facts(); }, "What this program was built from and with");
  program.set_help_all_flag("--help-all", "Help of every command");
  program.footer(
      "First steps:\n"
      "  mpirun -np 2 eightfold train configs/jobs/digits-convnet.toml\n"
      "  eightfold config show configs/jobs/digits-convnet.toml --origin\n"
      "Exit codes: 0 done, 2 usage or config, 3 environment, 4 data, 5 a rank was lost, 6 a rank hung,\n"
      "7 numeric divergence, 75 stopped, --resume goes on, 1 a defect of eightfold;\n"
      "docs/errors.md explains them.");

  launch::Action chosen;
  launch::add_train(program, chosen);
  launch::add_evaluate(program, chosen);
  launch::add_config(program, chosen);
  launch::add_data(program, chosen);
  launch::add_checkpoint(program, chosen);
  launch::add_bench(program, chosen);
  launch::add_doctor(program, chosen);
  launch::add_scale(program, chosen);
  launch::add_launch(program, chosen);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = program.exit(error);  // prints help, version or what is wrong
    if (code == 0) return static_cast<int>(launch::alone([] {}));
    // Launchers end a job at its first failure: another rank's must not come before the first one has spoken.
    return !is_first_rank() ? 0 : static_cast<int>(base::ExitCode::usage);
  }
  return static_cast<int>(chosen());
}
