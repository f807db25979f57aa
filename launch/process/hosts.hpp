#pragma once

// The hosts that ranks are to be started on, as users and batch systems name them: on the command line, in
// hostfiles of Open MPI and MPICH, and in lists that repeat a host once for each of its ranks
// (PBS_NODEFILE). Names are not resolved here.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::launch::process {

struct Host {
  std::string name;
  int slots = 1;            // ranks that it is for: its number, or how often it is named
  int max_slots = 0;        // the most that it takes; 0: nobody says
  bool has_number = false;  // `slots` was written as a number
};

// Of --hosts: "a" or "a:2" each. `where` is what errors begin with. Throws ConfigError.
std::vector<Host> parse_hosts(const std::vector<std::string>& words, std::string_view where);
// Of a hostfile: a line each, with comments from # on: "a", "a:2", "a slots=2 max_slots=4". Errors begin with
// `file` and the line. Throws ConfigError.
std::vector<Host> parse_hostfile(std::string_view text, std::string_view file);
std::vector<Host> read_hostfile(const std::filesystem::path& file);

// Makes `slots` the ranks to start on each: `ranks_per_node`, or with 0 what the hosts say themselves. Throws
// ConfigError where a host takes fewer, and with 0 where only some of a hostfile's have a number: mpirun
// would count the cores of the others.
void choose_slots(std::vector<Host>& hosts, int ranks_per_node);

std::vector<std::string> names_of(const std::vector<Host>& hosts);

}  // namespace eightfold::launch::process
