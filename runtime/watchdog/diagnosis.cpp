#include "runtime/watchdog/diagnosis.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <vector>

namespace eightfold::runtime::watchdog {
namespace {

using base::FlightEvent;
using base::FlightRecord;
using base::Wait;

// The rank that each rank waits for.
class Waits {
 public:
  explicit Waits(std::span<const Witness> witnesses) : witnesses_(witnesses) {
    for (std::size_t rank = 0; rank < witnesses.size(); ++rank) awaited_.push_back(find(rank));
  }

  int ranks() const { return static_cast<int>(witnesses_.size()); }
  const Witness& witness(int rank) const { return witnesses_[static_cast<std::size_t>(rank)]; }
  std::optional<int> awaited_by(int rank) const { return awaited_[static_cast<std::size_t>(rank)]; }
  bool knows_all() const {
    return std::ranges::all_of(witnesses_, [](const Witness& each) { return each.record.has_value(); });
  }
  bool is_over_for_any(std::int64_t collective) const {
    return std::ranges::any_of(witnesses_, [&](const Witness& each) {
      return each.record && each.record->collectives_left >= collective;
    });
  }
  std::int64_t waiters_of(int rank) const { return std::ranges::count(awaited_, std::optional(rank)); }

  // From `rank` along the waits to where they end, or to the first rank that comes a second time.
  std::vector<int> chain_from(int rank) const {
    std::vector<int> chain = {rank};
    while (const std::optional<int> next = awaited_by(chain.back())) {
      const bool is_circle = std::ranges::find(chain, *next) != chain.end();
      chain.push_back(*next);
      if (is_circle) break;
    }
    return chain;
  }

 private:
  std::optional<int> find(std::size_t rank) const {
    const Witness& witness = witnesses_[rank];
    if (witness.liveness != Liveness::alive || witness.record->phase == base::Phase::ended)
      return std::nullopt;
    if (witness.record->is_in_collective()) return find_missing(witness.record->collectives_entered);
    const Wait& wait = witness.record->wait;
    const bool is_any = wait.direction != Wait::Direction::none && wait.peer < witnesses_.size();
    return is_any ? std::optional<int>(wait.peer) : std::nullopt;
  }

  // The rank that keeps others in collective `number`: one that is not alive, else one that has not entered
  // it.
  std::optional<int> find_missing(std::int64_t number) const {
    const auto first = [&](auto keeps_up) -> std::optional<int> {
      const auto found = std::ranges::find_if(witnesses_, keeps_up);
      if (found == witnesses_.end()) return std::nullopt;
      return static_cast<int>(found - witnesses_.begin());
    };
    const auto not_alive = first([&](const Witness& each) {
      return each.record && each.liveness != Liveness::alive && each.record->collectives_left < number;
    });
    if (not_alive) return not_alive;
    return first(
        [&](const Witness& each) { return each.record && each.record->collectives_entered < number; });
  }

  std::span<const Witness> witnesses_;
  std::vector<std::optional<int>> awaited_;
};

bool is_not_alive(const Witness& witness) {
  return witness.record && witness.liveness != Liveness::alive && witness.record->phase != base::Phase::ended;
}

// ", bucket 3" or ", collective 17 (sum)": what a rank waits in.
std::string place_of(const FlightRecord& record) {
  if (record.is_in_collective())
    return fmt::format(", collective {} ({})", record.collectives_entered,
                       to_string(static_cast<base::CommunicatorCall>(record.collective)));
  if (record.wait.direction != Wait::Direction::none) return fmt::format(", bucket {}", record.wait.bucket);
  return "";
}

// "rank 1 (host b) late in exchange at step 12, bucket 3", or that it has ended; the place is where another
// waits for it, if one does.
std::string lateness(const Waits& waits, int rank) {
  const FlightRecord& record = *waits.witness(rank).record;
  const FlightRecord* place = &record;
  // Downwards, so that of several waiters the lowest decides, whoever reports.
  for (int waiter = waits.ranks() - 1; waiter >= 0; --waiter)
    if (waits.awaited_by(waiter) == rank) place = &*waits.witness(waiter).record;
  const std::string state = record.phase == base::Phase::ended
                                ? fmt::format("has ended with code {}", record.exit_code)
                                : fmt::format("late in {}", to_string(record.phase));
  return fmt::format("{} {} at step {}{}", name_of(record), state, record.step, place_of(*place));
}

std::string reason(const Waits& waits, int rank) {
  const Witness& witness = waits.witness(rank);
  if (witness.record->phase == base::Phase::ended) return "it said why, if it failed";
  if (witness.liveness == Liveness::stopped) return "its process is stopped";
  if (witness.liveness == Liveness::gone) return "its process is gone";
  if (witness.liveness == Liveness::silent) return "there is no sign of life from its process";
  const FlightRecord& record = *witness.record;
  if (const std::optional<int> unknown = waits.awaited_by(rank))
    return fmt::format("it waits for rank {}, whose flight record cannot be read", *unknown);
  if (record.is_in_collective() && waits.is_over_for_any(record.collectives_entered)) {
    // Of two either may be the one that is cut off.
    const bool is_pair = waits.ranks() == 2;
    return fmt::format("{} through collective {} ({}), and it is not; {}",
                       is_pair ? name_of(*waits.witness(1 - rank).record) + " is" : "others are",
                       record.collectives_entered,
                       to_string(static_cast<base::CommunicatorCall>(record.collective)),
                       is_pair ? "is the link between them down?" : "is its host cut off?");
  }
  if (record.is_in_collective())
    return waits.knows_all() ? "all ranks are in this collective, and it does not end"
                             : "it waits for ranks whose flight records cannot be read";
  return fmt::format("it has been there for {:.1f} s and waits for nobody",
                     1e-9 * static_cast<double>(record.heartbeat_ns - record.phase_began_ns));
}

// "; rank 0 waits for it, rank 2 waits for rank 0": those whose waits lead to one of `late`.
std::string waiters(const Waits& waits, const std::vector<int>& late) {
  constexpr std::size_t kNamed = 8;
  const auto is_late = [&](int rank) { return std::ranges::find(late, rank) != late.end(); };
  std::vector<std::string> all;
  for (int rank = 0; rank < waits.ranks(); ++rank) {
    const std::vector<int> chain = waits.chain_from(rank);
    if (is_late(rank) || std::ranges::none_of(chain, is_late)) continue;
    const bool is_direct = late.size() == 1 && chain[1] == late.front();
    all.push_back(fmt::format("rank {} waits for {}", rank,
                              is_direct ? std::string("it") : fmt::format("rank {}", chain[1])));
  }
  if (all.empty()) return "";
  const std::size_t more = all.size() - std::min(all.size(), kNamed);
  all.resize(all.size() - more);
  return fmt::format("; {}{}", fmt::join(all, ", "), more > 0 ? fmt::format(", and {} more wait", more) : "");
}

std::string diagnose_end(const Waits& waits, int late) {
  return fmt::format("{}: {}{}", lateness(waits, late), reason(waits, late), waiters(waits, {late}));
}

// All of them live and wait: what lies between them does not carry. If one of them is cut off from everybody,
// everybody waits for it.
std::string diagnose_circle(const Waits& waits, const std::vector<int>& circle) {
  const auto by_waiters = [&](int rank) { return waits.waiters_of(rank); };
  const int late = *std::ranges::max_element(circle, {}, by_waiters);
  if (std::ranges::count(circle, waits.waiters_of(late), by_waiters) == 1)
    return fmt::format("{}: it lives and waits for rank {}; is its host cut off?{}", lateness(waits, late),
                       *waits.awaited_by(late), waiters(waits, {late}));
  std::vector<std::string> others;
  for (const int rank : circle)
    if (rank != late) others.push_back(name_of(*waits.witness(rank).record));
  return fmt::format("{}: it and {} live and wait for each other; is the link between them down?{}",
                     lateness(waits, late), fmt::join(others, ", "), waiters(waits, circle));
}

}  // namespace

// Each rank waits for one other at most: the peer of its message, or a rank that its collective lacks. These
// waits form a chain from the asking rank. It ends at a rank that waits for nobody, which is the late one, or
// it closes a circle. Every rank that asks about the same records finds the same end of a shared chain.
std::string diagnose(std::span<const Witness> witnesses, int asking) {
  const Waits waits(witnesses);
  std::vector<int> chain = waits.chain_from(asking);
  if (!waits.witness(chain.back()).record) chain.pop_back();
  if (!is_not_alive(waits.witness(chain.back()))) {
    // Not all that keeps ranks apart is known to them; what does not live is the first suspect.
    const auto not_alive = std::ranges::find_if(witnesses, is_not_alive);
    if (not_alive != witnesses.end())
      return diagnose_end(waits, static_cast<int>(not_alive - witnesses.begin()));
  }
  const auto first = std::ranges::find(chain, chain.back());
  if (first == chain.end() - 1) return diagnose_end(waits, chain.back());
  std::vector<int> circle(first, chain.end() - 1);
  std::ranges::sort(circle);
  return diagnose_circle(waits, circle);
}

std::string last_activity(const FlightRecord& record) {
  std::string bucket;
  for (const FlightEvent& event : record.last_events())
    if (event.step == record.step &&
        (event.what.kind == FlightEvent::Kind::begin || event.what.kind == FlightEvent::Kind::wait))
      bucket = fmt::format(", bucket {}", event.what.index);
  return fmt::format("it was in {} at step {}{}", to_string(record.phase), record.step, bucket);
}

std::string name_of(const FlightRecord& record) {
  return fmt::format("rank {} (host {})", record.rank, record.host_name());
}

}  // namespace eightfold::runtime::watchdog
