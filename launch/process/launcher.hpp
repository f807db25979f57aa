#pragma once

// Command lines that start ranks on nodes, by mpirun, srun or launch/netcluster.sh: argument vectors that no
// shell reads.

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
  std::string cluster;                 // the cluster's name
  std::vector<std::string> arguments;  // the user's, after our own; netcluster takes none

  // Starts `program` with `ranks_per_node` ranks on each of the first `nodes` nodes.
  std::vector<std::string> command(int nodes, int ranks_per_node,
                                   const std::vector<std::string>& program) const;
  // The same with ranks[i] ranks on node i; launchers other than mpirun need equal numbers.
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

// The command as typed into a shell, for people to read.
std::string shell_words(const std::vector<std::string>& arguments);

}  // namespace eightfold::launch::process
