#pragma once

// Options of commands that start ranks: the launcher and the hosts.

#include "launch/command/command_line.hpp"
#include "launch/process/launcher.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::launch::process {

struct LauncherOptions {
  std::string kind = "mpirun";
  std::vector<std::string> hosts;
  std::filesystem::path hostfile, script;
  std::string cluster = "fold";
  std::vector<std::string> arguments;

  void add_to(const command::Command& command);
};

// The launcher of these options; `program` is this program. Throws ConfigError, EnvironmentError.
Launcher launcher_of(const LauncherOptions& options, const std::filesystem::path& program);

// Throws ConfigError if an option is given that has no effect without another.
void check_no_effect(bool is_given, std::string_view option, std::string_view needed);

}  // namespace eightfold::launch::process
