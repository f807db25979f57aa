#include "launch/process/launcher_options.hpp"

#include "kernels/base/error.hpp"

#include <algorithm>

namespace eightfold::launch::process {
namespace {

namespace fs = std::filesystem;

Launcher netcluster_of(const LauncherOptions& options, const fs::path& program) {
  Launcher launcher{LauncherKind::netcluster, {}, options.script.string(), options.cluster, {}};
  if (launcher.script.empty()) launcher.script = find_netcluster(program).string();
  if (!fs::is_regular_file(launcher.script))
    base::raise<base::ConfigError>("--netcluster: there is no file {}", launcher.script);
  launcher.script = fs::absolute(launcher.script).string();
  const auto is_lower = [](char c) { return c >= 'a' && c <= 'z'; };
  if (launcher.cluster.empty() || launcher.cluster.size() > 8 ||
      !std::ranges::all_of(launcher.cluster, is_lower))
    base::raise<base::ConfigError>("--netcluster-name {}: 1 to 8 lower-case letters are needed",
                                   launcher.cluster);
  return launcher;
}

}  // namespace

void LauncherOptions::add_to(const command::Command& command) {
  command.add_option("--launcher", kind, "mpirun, srun or netcluster").show_default();
  command
      .add_option("--hosts", hosts,
                  "For mpirun: the nodes, separated by commas, each with :N for N ranks; the first are used")
      .comma_separated()
      .one_word();
  command
      .add_option("--hostfile", hostfile,
                  "For mpirun: a file with a host in each line, with slots=N or :N for N ranks, or once for "
                  "each rank")
      .excludes("--hosts")
      .type_name("FILE");
  command
      .add_option(
          "--launcher-argument", arguments,
          "One more argument for mpirun or srun, e.g. --launcher-argument=--oversubscribe; repeatable")
      .repeatable();
  command.add_option("--netcluster", script, "netcluster.sh, if it is not in the program's repository")
      .type_name("FILE");
  command.add_option("--netcluster-name", cluster, "The name of its cluster").show_default();
}

Launcher launcher_of(const LauncherOptions& options, const fs::path& program) {
  const LauncherKind kind = launcher_kind(options.kind);
  const bool is_cluster = kind == LauncherKind::netcluster, is_mpirun = kind == LauncherKind::mpirun;
  check_no_effect(!options.script.empty() && !is_cluster, "--netcluster", "--launcher netcluster");
  check_no_effect(!options.hosts.empty() && !is_mpirun, "--hosts", "--launcher mpirun");
  check_no_effect(!options.hostfile.empty() && !is_mpirun, "--hostfile", "--launcher mpirun");
  check_no_effect(!options.arguments.empty() && is_cluster, "--launcher-argument",
                  "--launcher mpirun or srun");
  if (is_cluster) return netcluster_of(options, program);
  return {kind,
          options.hostfile.empty() ? parse_hosts(options.hosts, "--hosts") : read_hostfile(options.hostfile),
          {},
          {},
          options.arguments};
}

void check_no_effect(bool is_given, std::string_view option, std::string_view needed) {
  if (is_given) base::raise<base::ConfigError>("{} has no effect without {}", option, needed);
}

}  // namespace eightfold::launch::process
