#pragma once

// Which hosts ranks cannot be started on, and why: each is asked by the very way that its ranks would be
// started.

#include "launch/process/child_process.hpp"
#include "launch/process/launcher.hpp"

#include <string>
#include <vector>

namespace eightfold::launch::process {

struct SilentHost {
  Host host;
  std::string reason;       // as ssh, or another agent of the launcher, gives it; empty: none was given
  bool is_unknown = false;  // nobody knows the name: it will not answer later either
};

// Those of the launcher's hosts that do not run `true` within 30 s. All of them if `request` comes meanwhile.
std::vector<SilentHost> find_silent_hosts(const Launcher& launcher, EndRequest& request);

// "no answer from a: ssh: Could not resolve hostname a: Name or service not known; no answer from b"
std::string describe(const std::vector<SilentHost>& silent);

}  // namespace eightfold::launch::process
