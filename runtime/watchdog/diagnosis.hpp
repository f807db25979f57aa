#pragma once

// Who is late when ranks wait for each other, from what each says of itself.

#include "runtime/watchdog/witness.hpp"

#include <span>
#include <string>

namespace eightfold::runtime::watchdog {

// The rank where the waits of rank `asking` end: one that does not live, has left, waits for nobody, or for
// ranks whose records cannot be read. Where they run in a circle, the rank of it that most ranks wait for, or
// all of them. A sentence without a full stop:
//   rank 1 (host b) late in forward at step 12, bucket 3: its process is stopped; rank 0 waits for it
// `witnesses` are by rank; that of `asking` has a record.
std::string diagnose(std::span<const Witness> witnesses, int asking);

// What a rank did last: "it was in exchange at step 12, bucket 3".
std::string last_activity(const base::FlightRecord& record);
// "rank 1 (host b)".
std::string name_of(const base::FlightRecord& record);

}  // namespace eightfold::runtime::watchdog
