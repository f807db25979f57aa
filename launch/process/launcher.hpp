#pragma once

// How ranks are started on nodes: the command lines of mpirun, srun and launch/netcluster.sh, as argument
// vectors that no shell reads.

#include "launch/process/hosts.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::launch::process {

enum class LauncherKind { mpirun, srun, netcluster };

struct Launcher {
  LauncherKind kind = LauncherKind::mpirun;
  std::vector<Host> hosts;             // empty: this machine (mpirun), the cluster's first (netcluster)
  std::string script;                  // netcluster.sh
  std::string cluster;                 // its name
  std::vector<std::string> arguments;  // of the user, behind our own; netcluster takes none

  // Starts `program` with so many ranks on each of the first `nodes` nodes.
  std::vector<std::string> command(int nodes, int ranks_per_node,
                                   const std::vector<std::string>& program) const;
  // The same with ranks[i] on node i, by mpirun; the others start equally many on each.
  std::vector<std::string> command(const std::vector<int>& ranks,
                                   const std::vector<std::string>& program) const;
  // "mpirun", "srun", "netcluster:fold"
  std::string name() const;
  // The same on these hosts alone.
  Launcher on(std::vector<Host> some) const;
};

LauncherKind launcher_kind(std::string_view name);

// netcluster.sh beside the program, or in launch/ of the repository in whose build/PRESET/launch/ the program
// is. Throws EnvironmentError.
std::filesystem::path find_netcluster(const std::filesystem::path& program);

// As one would type it into a shell; for people.
std::string shell_words(const std::vector<std::string>& arguments);

}  // namespace eightfold::launch::process
