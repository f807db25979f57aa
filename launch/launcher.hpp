#pragma once

// How ranks are started on nodes: the command lines of mpirun, srun and launch/netcluster.sh, as argument
// vectors that no shell reads.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::launch {

enum class LauncherKind { mpirun, srun, netcluster };

struct Launcher {
  LauncherKind kind = LauncherKind::mpirun;
  std::vector<std::string> hosts;      // empty: this machine (mpirun), the cluster's first (netcluster)
  std::string script;                  // netcluster.sh
  std::string cluster;                 // its name
  std::vector<std::string> arguments;  // of the user, behind our own; netcluster takes none

  // Starts `program` with so many ranks on each of the first `nodes` nodes.
  std::vector<std::string> command(int nodes, int ranks_per_node,
                                   const std::vector<std::string>& program) const;
  // "mpirun", "srun", "netcluster:fold"
  std::string name() const;
  // The same on these hosts alone.
  Launcher on(std::vector<std::string> some) const;
};

LauncherKind launcher_kind(std::string_view name);

// Throws ConfigError unless each is a name or an IPv4 address: letters, digits, dots, underscores and
// hyphens, no hyphen first. `where` is where they were given.
void check_hosts(std::string_view where, const std::vector<std::string>& hosts);

// The hosts of an Open MPI hostfile: the first word of each line, each once; what follows it and comments
// mean nothing here. `where` is what errors begin with. Throws ConfigError.
std::vector<std::string> parse_hostfile(std::string_view text, std::string_view where);
std::vector<std::string> read_hostfile(const std::filesystem::path& file);

// Of what a launcher and its program said on standard error, the line that says most: an error, else the
// first paragraph of Open MPI's last message, which stands between two lines of hyphens, else the last line.
std::string last_words(const std::string& said);

// netcluster.sh beside the program, or in launch/ of the repository in whose build/PRESET/launch/ the program
// is. Throws EnvironmentError.
std::filesystem::path find_netcluster(const std::filesystem::path& program);

// As one would type it into a shell; for people.
std::string shell_words(const std::vector<std::string>& arguments);

}  // namespace eightfold::launch
