#include "runtime/watchdog/witness.hpp"

#include "kernels/base/clock.hpp"
#include "kernels/base/process_id.hpp"

#include <algorithm>
#include <thread>

namespace eightfold::runtime::watchdog {
namespace {

Liveness liveness_without_heartbeat(const base::FlightRecord& record, const base::FlightRecord& own) {
  if (record.host_name() != own.host_name()) return Liveness::silent;
  switch (base::state_of(record.pid)) {
    case '-':
    case 'Z':
    case 'X':
      return Liveness::gone;
    case 'T':
    case 't':
      return Liveness::stopped;
    default:
      return Liveness::silent;
  }
}

std::optional<base::FlightRecord> record_of(const std::filesystem::path& flight, int rank,
                                            const base::FlightRecord& own) {
  if (rank == own.rank) return own;
  if (flight.empty()) return std::nullopt;
  auto record = base::read_flight_record(base::flight_file(flight, rank));
  // A file that says otherwise is of another job, or damaged.
  return record && record->rank == rank && record->ranks == own.ranks ? record : std::nullopt;
}

}  // namespace

std::vector<Witness> witness_ranks(const std::filesystem::path& flight, const base::FlightRecorder& own,
                                   std::chrono::milliseconds span, const std::function<void()>& beat) {
  constexpr std::chrono::milliseconds kGlance{50};
  const base::FlightRecord mine = own.read();
  std::vector<Witness> ranks(static_cast<std::size_t>(mine.ranks));
  std::vector<std::int64_t> heartbeats(ranks.size());
  const auto look = [&](std::size_t rank) {
    Witness& witness = ranks[rank];
    witness.record = record_of(flight, static_cast<int>(rank), mine);
    if (!witness.record) return false;
    // A heartbeat counts once it has changed while this rank watched. Its age proves nothing: clocks of hosts
    // differ.
    if (heartbeats[rank] == 0) heartbeats[rank] = witness.record->heartbeat_ns;
    const bool beats =
        static_cast<int>(rank) == mine.rank || witness.record->heartbeat_ns != heartbeats[rank];
    witness.liveness = beats ? Liveness::alive : liveness_without_heartbeat(*witness.record, mine);
    return true;
  };
  const auto awaits_heartbeat = [](const Witness& witness) {
    return witness.liveness != Liveness::alive && witness.liveness != Liveness::unknown;
  };
  const base::TimePoint start = base::Clock::now();
  while (true) {
    for (std::size_t rank = 0; rank < ranks.size(); ++rank)
      if (ranks[rank].liveness != Liveness::alive && !look(rank)) ranks[rank].liveness = Liveness::unknown;
    if (base::Clock::now() - start >= span || std::ranges::none_of(ranks, awaits_heartbeat)) return ranks;
    beat();
    std::this_thread::sleep_for(kGlance);
  }
}

}  // namespace eightfold::runtime::watchdog
