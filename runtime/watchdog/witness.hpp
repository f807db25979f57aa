#pragma once

// The state of the other ranks as one rank sees it without MPI: their flight records, and whether they are
// alive.

#include "kernels/base/flight_record.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace eightfold::runtime::watchdog {

enum class Liveness {
  alive,
  stopped,  // the process, by a signal or a debugger
  gone,     // the process does not exist any more
  silent,   // no heartbeat and no visible reason: on another host, or the system does not let it run
  unknown,  // its record cannot be read
};

struct Witness {
  Liveness liveness = Liveness::unknown;
  std::optional<base::FlightRecord> record = {};  // none: unknown
};

// The witness of every rank, by rank. Waits for `span`, or until each rank has written a heartbeat, and
// meanwhile calls `beat` for this rank's own. `flight` empty: only the own record is known.
std::vector<Witness> witness_ranks(const std::filesystem::path& flight, const base::FlightRecorder& own,
                                   std::chrono::milliseconds span, const std::function<void()>& beat);

}  // namespace eightfold::runtime::watchdog
