#pragma once

namespace eightfold::runtime::telemetry {

// Whether standard output ends at a terminal where somebody watches. Open MPI gives every rank a
// pseudo-terminal even when its own output goes to a file: there the launcher's output decides.
bool output_is_watched();

}  // namespace eightfold::runtime::telemetry
