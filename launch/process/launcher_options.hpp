#pragma once

// Options of commands that start ranks: by which launcher, and on which hosts.

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

// Checks them. Throws ConfigError, EnvironmentError. `program` is this one.
Launcher launcher_of(const LauncherOptions& options, const std::filesystem::path& program);

// Throws ConfigError if an option is given without what it needs to mean anything.
void check_no_effect(bool is_given, std::string_view option, std::string_view needed);

}  // namespace eightfold::launch::process
