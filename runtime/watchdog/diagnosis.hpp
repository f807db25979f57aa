#pragma once

// Finds the late rank when ranks wait for each other, from their flight records.

#include "runtime/watchdog/witness.hpp"

#include <span>
#include <string>

namespace eightfold::runtime::watchdog {

// Follows the waits of rank `asking` to their end. The end is a rank that is not alive, has ended, waits for
// no rank, or waits for ranks with unreadable records. In a circle of waits it is the rank that most ranks
// wait for, or all ranks of the circle. Returns a sentence without a full stop:
//   rank 1 (host b) late in forward at step 12, bucket 3: its process is stopped; rank 0 waits for it
// `witnesses` are by rank; that of `asking` has a record.
std::string diagnose(std::span<const Witness> witnesses, int asking);

// The last recorded activity of a rank: "it was in exchange at step 12, bucket 3".
std::string last_activity(const base::FlightRecord& record);
// "rank 1 (host b)".
std::string name_of(const base::FlightRecord& record);

}  // namespace eightfold::runtime::watchdog
