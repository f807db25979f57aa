// eightfold checkpoint
#include "kernels/base/parse.hpp"
#include "launch/command.hpp"
#include "runtime/checkpoint/store.hpp"

#include <algorithm>

namespace eightfold::launch {
namespace {

using runtime::checkpoint::Listed;

std::string line(const Listed& listed) {
  if (!listed.manifest) return fmt::format("{}  damaged: {}", listed.directory.string(), listed.problem);
  std::uint64_t bytes = 0;
  for (const auto& file : listed.manifest->files) bytes += file.bytes;
  return fmt::format("{}  step {}  {} bytes  weights {}  {} ranks  {}", listed.directory.string(),
                     listed.manifest->step, bytes, listed.manifest->weight_hash, listed.manifest->ranks,
                     listed.manifest->created);
}

// The checkpoints a user means by `path`. Throws DataError when there are none.
std::vector<Listed> all_at(const std::filesystem::path& path) {
  std::error_code ignored;
  if (std::filesystem::exists(path / "manifest.json", ignored))
    return {{path, runtime::checkpoint::read_manifest(path), {}}};
  for (const std::filesystem::path& store : {path, path / "checkpoints"})
    if (std::vector<Listed> all = runtime::checkpoint::list(store); !all.empty()) return all;
  base::raise<base::DataError>(
      "{}: no checkpoints there; name a run directory, a folder of step-... or one of them", path.string());
}

void list(const std::filesystem::path& path) {
  for (const Listed& listed : all_at(path)) fmt::print("{}\n", line(listed));
}

void verify(const std::filesystem::path& path) {
  for (const Listed& listed : all_at(path)) {
    if (!listed.manifest) base::raise<base::DataError>("{}", listed.problem);
    runtime::checkpoint::verify(listed.directory, *listed.manifest);
    fmt::print("{}: ok\n", listed.directory.string());
  }
}

void add_action(const Command& parent, Action& chosen, const char* name, const char* help,
                void (*action)(const std::filesystem::path&)) {
  auto path = std::make_shared<std::filesystem::path>();
  const Command command = parent.add_command(name, help);
  command.add_option("path", *path, "A run directory, a folder of checkpoints, or one checkpoint")
      .required()
      .type_name("PATH");
  command.callback(
      [path, action, &chosen] { chosen = [path, action] { return alone([&] { action(*path); }); }; });
}

}  // namespace

void add_checkpoint(const Command& program, Action& chosen) {
  const Command command = program.add_command("checkpoint", "List and verify checkpoints");
  command.require_command();
  add_action(command, chosen, "ls", "List checkpoints: step, size, weight hash", list);
  add_action(command, chosen, "verify", "Read every file and compare it with its manifest", verify);
}

}  // namespace eightfold::launch
