// eightfold checkpoint
#include "kernels/base/counted.hpp"
#include "kernels/base/parse.hpp"
#include "launch/command/result.hpp"
#include "launch/commands.hpp"
#include "runtime/checkpoint/store.hpp"
#include "runtime/run/run_directory.hpp"

#include <utility>

namespace eightfold::launch {
namespace {

using runtime::checkpoint::Listed;

std::string line(const Listed& listed) {
  if (!listed.manifest) return fmt::format("{}  damaged: {}", listed.directory.string(), listed.problem);
  std::uint64_t bytes = 0;
  for (const auto& file : listed.manifest->files) bytes += file.bytes;
  return fmt::format("{}  step {}  {} bytes  weights {}  {}  {}", listed.directory.string(),
                     listed.manifest->step, bytes, listed.manifest->weight_hash,
                     base::counted(listed.manifest->ranks, "rank"), listed.manifest->created);
}

Listed listed_at(const std::filesystem::path& directory) {
  try {
    return {directory, runtime::checkpoint::read_manifest(directory), {}};
  } catch (const base::DataError& error) {
    return {directory, std::nullopt, error.what()};
  }
}

// The checkpoints a user means by `path`. Throws DataError when there are none.
std::vector<Listed> all_at(const std::filesystem::path& path) {
  const std::filesystem::path place = runtime::run::checkpoints_at(path);
  if (runtime::checkpoint::has_manifest(place)) return {listed_at(place)};
  if (std::vector<Listed> all = runtime::checkpoint::list(place); !all.empty()) return all;
  runtime::checkpoint::require_there(place);
  base::raise<base::DataError>(
      "{}: no checkpoints there; name a run directory, a folder of runs or of step-..., or one of them",
      path.string());
}

void list(const std::filesystem::path& path) {
  for (const Listed& listed : all_at(path)) fmt::print("{}\n", line(listed));
}

// The problem of the checkpoint; empty if there is none.
std::string problem_of(const Listed& listed) {
  if (!listed.manifest) return listed.problem;
  try {
    runtime::checkpoint::verify(listed.directory, *listed.manifest);
    return {};
  } catch (const base::DataError& error) {
    return error.what();
  }
}

// A line for each, whatever becomes of the others.
void verify(const std::filesystem::path& path) {
  const std::vector<Listed> all = all_at(path);
  std::vector<std::string> problems;
  for (const Listed& listed : all) {
    std::string problem = problem_of(listed);
    fmt::print("{}: {}{}\n", listed.directory.string(), problem.empty() ? "ok" : "damaged: ", problem);
    if (!problem.empty()) problems.push_back(std::move(problem));
  }
  command::flush_output();
  if (!problems.empty())
    base::raise<base::DataError>("{}: {} of {} checkpoints damaged, the first: {}", path.string(),
                                 problems.size(), all.size(), problems.front());
}

void add_action(const command::Command& parent, command::Action& chosen, const char* name, const char* help,
                void (*action)(const std::filesystem::path&)) {
  auto path = std::make_shared<std::filesystem::path>();
  const command::Command command = parent.add_command(name, help);
  command
      .add_option(
          "path", *path,
          "A run directory, a folder of runs for the newest, a folder of checkpoints, or one checkpoint")
      .required()
      .type_name("PATH");
  command::run_alone(command, chosen, path, action);
}

}  // namespace

void add_checkpoint(const command::Command& program, command::Action& chosen) {
  const command::Command command = program.add_command("checkpoint", "List and verify checkpoints");
  command.require_command();
  add_action(command, chosen, "ls", "List checkpoints: step, size, weight hash", list);
  add_action(command, chosen, "verify", "Read every file and compare it with its manifest", verify);
}

}  // namespace eightfold::launch
