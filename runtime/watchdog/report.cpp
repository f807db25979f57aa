#include "runtime/watchdog/report.hpp"

#include "kernels/base/file.hpp"

#include <fmt/format.h>

#include <array>
#include <ctime>
#include <string_view>

namespace eightfold::runtime::watchdog {
namespace {

using base::FlightEvent;
using base::FlightRecord;
using base::Wait;

// "2026-11-21T09:30:05.123456Z".
std::string utc(std::int64_t time_ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::time_t whole = time_ns / kSecond;
  std::tm parts{};
  gmtime_r(&whole, &parts);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:06}Z", std::string_view(text.data(), length), time_ns % kSecond / 1000);
}

std::string words(const FlightEvent::What& what) {
  switch (what.kind) {
    case FlightEvent::Kind::phase:
      return fmt::format("phase {}", to_string(static_cast<base::Phase>(what.who)));
    case FlightEvent::Kind::submit:
      return fmt::format("bucket {} submitted", what.index);
    case FlightEvent::Kind::begin:
      return fmt::format("bucket {} begun", what.index);
    case FlightEvent::Kind::over:
      return fmt::format("bucket {} summed", what.index);
    case FlightEvent::Kind::wait:
      return fmt::format("bucket {} waits for rank {}", what.index, what.who);
    case FlightEvent::Kind::enter:
      return fmt::format("collective {} ({}) entered", what.index,
                         to_string(static_cast<base::CommunicatorCall>(what.who)));
    case FlightEvent::Kind::leave:
      return fmt::format("collective {} left", what.index);
    case FlightEvent::Kind::none:
      break;
  }
  return "an unknown event";
}

std::string words(const Wait& wait) {
  if (wait.direction == Wait::Direction::none) return "no message";
  return fmt::format("{} rank {}, bucket {}, segment {}",
                     wait.direction == Wait::Direction::receive ? "a message from" : "room for a message to",
                     wait.peer, wait.bucket, wait.segment);
}

std::string_view words(Liveness liveness) {
  switch (liveness) {
    case Liveness::alive:
      return "alive";
    case Liveness::stopped:
      return "stopped";
    case Liveness::gone:
      return "gone";
    case Liveness::silent:
      return "silent";
    case Liveness::unknown:
      break;
  }
  return "no record that can be read";
}

}  // namespace

std::string record_text(const FlightRecord& record) {
  std::string text = fmt::format(
      "rank {} of {}, host {}, process {}\n"
      "phase {} since {}, step {}; last heartbeat {}\n"
      "waits for {}; collectives: {} entered, {} left\n",
      record.rank, record.ranks, record.host_name(), record.pid, to_string(record.phase),
      utc(record.phase_began_ns), record.step, utc(record.heartbeat_ns), words(record.wait),
      record.collectives_entered, record.collectives_left);
  for (const FlightEvent& event : record.last_events())
    text += fmt::format("{} step {}: {}\n", utc(event.time_ns), event.step, words(event.what));
  return text;
}

std::filesystem::path report_file(const std::filesystem::path& flight) {
  return flight / "report.txt";
}

void write_report(const std::filesystem::path& flight, const std::string& line,
                  std::span<const Witness> witnesses) {
  std::string text = line + "\n";
  for (std::size_t rank = 0; rank < witnesses.size(); ++rank) {
    text += fmt::format("\n---- rank {}: {}\n", rank, words(witnesses[rank].liveness));
    // Ranks on hosts without the run directory have no record here; their line alone tells so.
    if (witnesses[rank].record) text += record_text(*witnesses[rank].record);
  }
  base::write_file_durably(report_file(flight), text);
}

void write_records(const std::filesystem::path& flight, std::span<const Witness> witnesses,
                   const std::function<void()>& beat) {
  for (const Witness& witness : witnesses) {
    beat();
    if (!witness.record) continue;
    std::filesystem::path file = base::flight_file(flight, witness.record->rank);
    base::write_file_durably(file.replace_extension(".txt"), record_text(*witness.record));
  }
}

}  // namespace eightfold::runtime::watchdog
