#pragma once

#include <string_view>

namespace eightfold::runtime::telemetry {

// True if standard output ends at a terminal where somebody watches. Open MPI gives every rank a
// pseudo-terminal even when its own output goes to a file: there the launcher's output decides.
bool output_is_watched();

// Prints on standard output, at once. A failure to print does not end the run: a warning says so and nothing
// more is printed.
void show(std::string_view text);

}  // namespace eightfold::runtime::telemetry
