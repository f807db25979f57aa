#pragma once

// Reads the standard error of a launcher and its ranks. Messages of Open MPI's mpirun stand between two lines
// of hyphens.

#include <string>
#include <string_view>

namespace eightfold::launch::process {

// The line that tells most: the last error, else the last note that ranks were asked to stop, else the first
// paragraph of Open MPI's last message as one line, else the last line. At most 400 characters.
std::string last_error_line(std::string_view output);

// The last line of the program by which the launcher reaches hosts (ssh): one outside Open MPI's messages
// that does not begin with mpirun's host and process in brackets. Empty if there is none; at most 300
// characters.
std::string last_agent_line(std::string_view output);

}  // namespace eightfold::launch::process
