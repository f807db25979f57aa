#pragma once

// Which hosts ranks cannot be started on, and why: each is asked by the very way that its ranks would be
// started.

#include "launch/process/child_process.hpp"
#include "launch/process/launcher.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace eightfold::launch::process {

struct SilentHost {
  Host host;
  std::string words;        // of ssh, or whatever else the launcher reaches hosts by; empty: it said nothing
  bool is_unknown = false;  // nobody knows the name: it will not answer later either
};

// Those of the launcher's hosts that do not run `true` within 30 s. All of them if `request` comes meanwhile.
std::vector<SilentHost> find_silent_hosts(const Launcher& launcher, EndRequest& request);

// "no answer from a: ssh: Could not resolve hostname a: Name or service not known; no answer from b"
std::string describe(const std::vector<SilentHost>& silent);

// Of what a launcher printed on standard error: the last line that is not its own. Those of mpirun stand
// between lines of hyphens, or begin with its host and process in brackets. Empty if there is none.
std::string words_of_agent(std::string_view said);

}  // namespace eightfold::launch::process
