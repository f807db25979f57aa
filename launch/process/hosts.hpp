#pragma once

// Hosts to start ranks on, as users and batch systems name them. They come from the command line, from
// hostfiles of Open MPI and MPICH, and from lists with a host for each rank (PBS_NODEFILE). Names are not
// resolved.

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::launch::process {

struct Host {
  std::string name;
  int slots = 1;            // ranks: the number written, or how often the host is named
  int max_slots = 0;        // the largest number of ranks; 0: not given
  bool has_number = false;  // `slots` was written as a number
};

// Hosts of --hosts, each "a" or "a:2". Errors begin with `where`. Throws ConfigError.
std::vector<Host> parse_hosts(const std::vector<std::string>& words, std::string_view where);
// Hosts of a hostfile, one a line: "a", "a:2", "a slots=2 max_slots=4"; # begins a comment. Errors begin with
// `file` and the line. Throws ConfigError.
std::vector<Host> parse_hostfile(std::string_view text, std::string_view file);
std::vector<Host> read_hostfile(const std::filesystem::path& file);

// Sets `slots` to the ranks to start on each host: `ranks_per_node`, or if that is 0 the host's own number.
// Throws ConfigError if a host takes fewer. With 0 also if only some hosts of a hostfile have a number, for
// mpirun would count the cores of the others.
void choose_slots(std::vector<Host>& hosts, int ranks_per_node);

std::vector<std::string> names_of(const std::vector<Host>& hosts);

}  // namespace eightfold::launch::process
