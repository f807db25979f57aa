#include "launch/process/launcher.hpp"

#include "kernels/base/error.hpp"
#include "launch/process/shipped_files.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace eightfold::launch::process {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr std::array<std::string_view, 3> kLauncherNames = {"mpirun", "srun", "netcluster"};

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// "a:2,b:2": as many slots as ranks, so that Open MPI fills them host by host.
std::string slots(const std::vector<Host>& hosts, const std::vector<int>& ranks) {
  Words words;
  for (std::size_t node = 0; node < ranks.size(); ++node)
    words.push_back(fmt::format("{}:{}", hosts[node].name, ranks[node]));
  return fmt::format("{}", fmt::join(words, ","));
}

}  // namespace

Words Launcher::command(int nodes, int ranks_per_node, const Words& program) const {
  return command(std::vector<int>(static_cast<std::size_t>(nodes), ranks_per_node), program);
}

Words Launcher::command(const std::vector<int>& ranks, const Words& program) const {
  const std::vector<Host> known =
      hosts.empty() && kind == LauncherKind::mpirun ? std::vector<Host>{{"localhost"}} : hosts;
  const std::string nodes = std::to_string(ranks.size());
  const std::string all_ranks = std::to_string(std::accumulate(ranks.begin(), ranks.end(), 0));
  base::require(!ranks.empty() && (known.empty() || ranks.size() <= known.size()), "{} nodes of {} hosts",
                nodes, known.size());
  base::require(kind == LauncherKind::mpirun || std::ranges::count(ranks, ranks[0]) == std::ssize(ranks),
                "{} with different numbers of ranks", name());
  Words command;
  switch (kind) {
    case LauncherKind::mpirun:
      command = {"mpirun", "--host", slots(known, ranks), "-np", all_ranks};
      // Ranks may use all cores of their host; Open MPI would bind one or two ranks to a core each.
      if (std::ranges::find(arguments, "--bind-to") == arguments.end())
        command.insert(command.end(), {"--bind-to", "none"});
      break;
    case LauncherKind::srun:
      // Without --kill-on-bad-exit srun lets the other ranks wait for one that is lost.
      command = {"srun",
                 "--mpi=pmix",
                 "--nodes=" + nodes,
                 "--ntasks=" + all_ranks,
                 fmt::format("--ntasks-per-node={}", ranks[0]),
                 "--kill-on-bad-exit=1"};
      break;
    case LauncherKind::netcluster: {
      Words names = names_of(known);
      if (!names.empty()) names.resize(ranks.size());
      const std::string where = names.empty() ? nodes : fmt::format("{}", fmt::join(names, ","));
      command = {script, "run", "--name", cluster, "--hosts", where, "-np", all_ranks, "--"};
      break;
    }
  }
  command.insert(command.end(), arguments.begin(), arguments.end());
  command.insert(command.end(), program.begin(), program.end());
  return command;
}

std::string Launcher::name() const {
  const std::string_view name = kLauncherNames.at(static_cast<std::size_t>(kind));
  return kind == LauncherKind::netcluster ? fmt::format("{}:{}", name, cluster) : std::string(name);
}

Launcher Launcher::on(std::vector<Host> some) const {
  Launcher launcher = *this;
  launcher.hosts = std::move(some);
  return launcher;
}

LauncherKind launcher_kind(std::string_view name) {
  const auto found = std::ranges::find(kLauncherNames, name);
  if (found == kLauncherNames.end())
    base::raise<base::ConfigError>("--launcher {}: there are {}", name, fmt::join(kLauncherNames, ", "));
  return static_cast<LauncherKind>(found - kLauncherNames.begin());
}

fs::path find_netcluster(const fs::path& program) {
  const fs::path beside = program.parent_path() / "netcluster.sh";
  std::error_code ignored;
  if (fs::is_regular_file(beside, ignored)) return beside;
  if (const auto shipped = find_shipped(program, "launch/netcluster.sh")) return *shipped;
  base::raise<base::EnvironmentError>(
      "netcluster.sh is neither beside {} nor in launch/ of its repository; --netcluster FILE says where it "
      "is",
      program.string());
}

std::string shell_words(const Words& arguments) {
  const auto is_plain = [](char c) {
    return is_letter_or_digit(c) || std::string_view("-_./:=,+@%").find(c) != std::string_view::npos;
  };
  Words words;
  for (const std::string& argument : arguments) {
    std::string word;
    for (const char c : argument) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    if (word.empty() || !std::ranges::all_of(argument, is_plain)) word = fmt::format("'{}'", word);
    words.push_back(std::move(word));
  }
  return fmt::format("{}", fmt::join(words, " "));
}

}  // namespace eightfold::launch::process
