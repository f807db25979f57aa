#include "launch/launcher.hpp"

#include "kernels/base/error.hpp"
#include "kernels/base/file.hpp"
#include "launch/shipped_files.hpp"
#include "runtime/config/value.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <sstream>
#include <utility>

namespace eightfold::launch {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

constexpr std::size_t kHostfileLimit = 1 << 20;
constexpr std::array<std::string_view, 3> kLauncherNames = {"mpirun", "srun", "netcluster"};

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool is_host(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name.front() != '-' && std::ranges::all_of(name, [](char c) {
    return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-';
  });
}

Words first_of(Words hosts, int nodes) {
  base::require(static_cast<std::size_t>(nodes) <= hosts.size(), "{} nodes of {} hosts", nodes, hosts.size());
  hosts.resize(static_cast<std::size_t>(nodes));
  return hosts;
}

// "a:2,b:2": as many slots as ranks, so that Open MPI fills them host by host.
std::string slots(Words hosts, int ranks_per_node) {
  for (std::string& host : hosts) host += fmt::format(":{}", ranks_per_node);
  return fmt::format("{}", fmt::join(hosts, ","));
}

}  // namespace

Words Launcher::command(int nodes, int ranks_per_node, const Words& program) const {
  const std::string ranks = std::to_string(nodes * ranks_per_node);
  Words command;
  switch (kind) {
    case LauncherKind::mpirun:
      command = {"mpirun", "--host",
                 slots(first_of(hosts.empty() ? Words{"localhost"} : hosts, nodes), ranks_per_node), "-np",
                 ranks};
      // All cores of a host for its ranks; Open MPI would bind one or two ranks to a core each.
      if (std::ranges::find(arguments, "--bind-to") == arguments.end())
        command.insert(command.end(), {"--bind-to", "none"});
      break;
    case LauncherKind::srun:
      command = {"srun",
                 "--mpi=pmix",
                 fmt::format("--nodes={}", nodes),
                 fmt::format("--ntasks={}", ranks),
                 fmt::format("--ntasks-per-node={}", ranks_per_node),
                 "--kill-on-bad-exit=1"};
      break;
    case LauncherKind::netcluster:
      command = {
          script,
          "run",
          "--name",
          cluster,
          "--hosts",
          hosts.empty() ? std::to_string(nodes) : fmt::format("{}", fmt::join(first_of(hosts, nodes), ",")),
          "-np",
          ranks,
          "--"};
      break;
  }
  command.insert(command.end(), arguments.begin(), arguments.end());
  command.insert(command.end(), program.begin(), program.end());
  return command;
}

std::string Launcher::name() const {
  const std::string_view name = kLauncherNames.at(static_cast<std::size_t>(kind));
  return kind == LauncherKind::netcluster ? fmt::format("{}:{}", name, cluster) : std::string(name);
}

Launcher Launcher::on(Words some) const {
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

void check_hosts(std::string_view where, const Words& hosts) {
  std::set<std::string_view> known;
  for (const std::string& host : hosts) {
    if (!is_host(host))
      base::raise<base::ConfigError>(
          "{}: {} is no name of a host; allowed: letters, digits, dots, underscores and hyphens, no hyphen "
          "first",
          where, runtime::config::shown(host));
    if (!known.insert(host).second)
      base::raise<base::ConfigError>("{}: {} stands there twice; a host is one node", where, host);
  }
}

Words parse_hostfile(std::string_view text, std::string_view where) {
  Words hosts;
  std::set<std::string> known;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    if (std::string host; words >> host && known.insert(host).second) hosts.push_back(std::move(host));
  }
  check_hosts(where, hosts);
  if (hosts.empty()) base::raise<base::ConfigError>("--hostfile: {} names no host", where);
  return hosts;
}

Words read_hostfile(const fs::path& file) {
  std::string text;
  try {
    text = base::read_file(file, kHostfileLimit);
  } catch (const base::EnvironmentError& error) {
    base::raise<base::ConfigError>("--hostfile: {}", error.what());
  }
  return parse_hostfile(text, file.string());
}

std::string last_words(const std::string& said) {
  constexpr std::size_t kLimit = 400;
  const auto has_word = [](const std::string& line) {
    return std::ranges::any_of(line, [](unsigned char c) { return std::isalnum(c) != 0; });
  };
  std::string error, message, last;
  bool is_inside = false, is_first = false, is_new = false;
  std::istringstream lines(said);
  for (std::string line; std::getline(lines, line);) {
    line.resize(std::min(line.size(), kLimit));
    if (line.starts_with("----------")) {
      is_inside = is_first = is_new = !is_inside;
    } else if (has_word(line)) {
      if (line.find("error: ") != std::string::npos) error = line;
      if (is_first) message = std::exchange(is_new, false) ? line : message + " " + line;
      last = line;
    } else if (!is_new) {
      is_first = false;
    }
  }
  for (const std::string& each : {error, message, last})
    if (!each.empty()) return each.substr(0, kLimit);
  return "it said nothing";
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

}  // namespace eightfold::launch
