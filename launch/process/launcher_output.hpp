#pragma once

// Reads the standard error of a launcher and its ranks. Messages of Open MPI's mpirun stand between two lines
// of hyphens.

#include <string>
#include <string_view>

namespace eightfold::launch::process {

// The line that tells most, at most 400 characters: the last one with an error, else the last one that ranks
// were stopped. Else the first paragraph of Open MPI's last message, or the last line.
std::string last_error_line(std::string_view output);

// The last line of the program by which the launcher reaches hosts (ssh). It is outside Open MPI's messages
// and does not begin with mpirun's host and process in brackets. Empty if there is none; at most 300
// characters.
std::string last_agent_line(std::string_view output);

}  // namespace eightfold::launch::process
