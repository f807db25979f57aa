#pragma once

// Finds the hosts on which ranks cannot be started, and why: each is asked in the way that its ranks would be
// started.

#include "launch/process/child_process.hpp"
#include "launch/process/launcher.hpp"

#include <string>
#include <vector>

namespace eightfold::launch::process {

struct SilentHost {
  Host host;
  std::string reason;       // as ssh, or another agent of the launcher, gives it; empty: none was given
  bool is_unknown = false;  // the name cannot be resolved: a later attempt would fail too
};

// The hosts of the launcher that do not run `true` within 30 s. All hosts if `request` comes meanwhile.
std::vector<SilentHost> find_silent_hosts(const Launcher& launcher, EndRequest& request);

// "no answer from a: ssh: Could not resolve hostname a: Name or service not known; no answer from b"
std::string describe(const std::vector<SilentHost>& silent);

}  // namespace eightfold::launch::process
