#pragma once

// What one rank can know of the others without MPI: their flight records, and whether they live.

#include "kernels/base/flight_record.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

namespace eightfold::runtime::watchdog {

enum class Pulse {
  beats,
  stopped,  // the process is, by a signal or a debugger
  gone,     // there is no such process any more
  silent,  // no heartbeat, and no reason to be seen: it is on another host, or the system does not let it run
  unknown,  // its record cannot be read
};

struct Witness {
  Pulse pulse = Pulse::unknown;
  std::optional<base::FlightRecord> record = {};  // none: unknown
};

// Of every rank, by rank. Watches their hearts for `span`, or until each has beaten; meanwhile calls `beat`
// for the own one. `flight` empty: only the own record is known.
std::vector<Witness> witness_ranks(const std::filesystem::path& flight, const base::FlightRecorder& own,
                                   std::chrono::milliseconds span, const std::function<void()>& beat);

}  // namespace eightfold::runtime::watchdog
