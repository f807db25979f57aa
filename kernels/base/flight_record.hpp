#pragma once

// The flight record: a process's present activity and its last ones, for diagnosis when it hangs. It survives
// the process in a file of the run directory, where the watchdogs of all ranks read it
// (runtime/watchdog/watchdog.hpp). Times are CLOCK_REALTIME in nanoseconds: other hosts read them.

#include <array>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace eightfold::base {

// The worker's activity; `forward` is all computing of a step, the backward pass included.
enum class Phase : std::int64_t { start_up, data, forward, exchange, evaluation, checkpoint, ended };
inline constexpr std::size_t kPhases = 7;
std::string_view to_string(Phase phase);

// The calls of a rank on its Communicator (comm/mpi/communicator.hpp). Numbers in files: append only.
enum class CommunicatorCall : std::uint16_t {
  barrier,
  broadcast,
  transfer,
  gather,
  sum,
  all_gather,
  node_all_gather,
  max,
};
std::string_view to_string(CommunicatorCall call);

// The message that keeps an exchange from going on. Numbers beyond 65535 are written as 65535.
struct alignas(8) Wait {
  enum class Direction : std::uint16_t { none, receive, send };
  Direction direction = Direction::none;
  std::uint16_t peer = 0, bucket = 0, segment = 0;

  bool operator==(const Wait&) const = default;
};

struct FlightEvent {
  enum class Kind : std::uint16_t { none, phase, submit, begin, over, wait, enter, leave };
  struct alignas(8) What {
    Kind kind = Kind::none;
    std::uint16_t who = 0;   // wait: the peer; enter: the CommunicatorCall; phase: the Phase
    std::int32_t index = 0;  // submit, begin, over, wait: the bucket; enter, leave: the collective's number
  };
  std::int64_t number = 0;  // from 1; 0: nothing here, or half written
  std::int64_t time_ns = 0;
  std::int64_t step = 0;
  What what;
};

// The bytes of a record's file.
struct FlightRecord {
  static constexpr std::array<char, 8> kMagic{'8', 'f', 'l', 'i', 'g', 'h', 't', '\n'};
  static constexpr std::int32_t kVersion = 1;
  static constexpr std::size_t kEvents = 256;

  std::array<char, 8> magic = kMagic;
  std::int32_t version = kVersion;
  std::int32_t rank = 0, ranks = 1, pid = 0;
  std::array<char, 64> host{};    // ends with a zero
  std::int64_t heartbeat_ns = 0;  // when the watchdog's thread last ran
  Phase phase = Phase::start_up;  // of the worker
  std::int64_t phase_began_ns = 0;
  std::int64_t step = 0;
  Wait wait;  // of the engine, once it has waited for a while
  std::int64_t collectives_entered = 0;
  std::int64_t collectives_left = 0;
  std::int64_t collective = 0;  // the CommunicatorCall last entered
  std::int64_t exit_code = 0;   // with Phase::ended
  std::int64_t events_written = 0;
  std::array<FlightEvent, kEvents> events{};  // event n lies at n modulo their number

  std::string host_name() const { return host.data(); }
  bool is_in_collective() const { return collectives_entered > collectives_left; }
  // Oldest first.
  std::vector<FlightEvent> last_events() const;
};

// flight/rank-00003.bin of a run directory's flight/.
std::filesystem::path flight_file(const std::filesystem::path& directory, int rank);
// Nothing if there is no such file, or it holds no record of this version.
std::optional<FlightRecord> read_flight_record(const std::filesystem::path& file);

// Writes one: a process has one recorder, which its owner hands to all that report to it. The functions that
// report may be called from several threads at once. A call takes about 0.1 microseconds, no lock and no
// system call.
class FlightRecorder {
 public:
  FlightRecorder();  // in memory
  ~FlightRecorder();
  FlightRecorder(const FlightRecorder&) = delete;  // others refer to it
  FlightRecorder& operator=(const FlightRecorder&) = delete;

  // Once, while other threads may read; they see rank 0 of 1 without a host until they see all of it.
  void identify(int rank, int ranks, const std::string& host);
  // Moves the record to its file in `directory`, which exists; an older one of the same name is replaced.
  // Once, while other threads may read and beat, but write no events. Throws EnvironmentError, and goes on in
  // memory.
  void keep_in(const std::filesystem::path& directory);

  // Any thread.
  void beat();
  void begin_phase(Phase phase, std::int64_t step);
  void note(FlightEvent::Kind kind, std::int64_t step, std::int64_t bucket);
  // Of the thread that calls MPI.
  void wait_for(const Wait& wait);
  void enter(CommunicatorCall call);
  void leave();
  // The process is about to end by itself, with this exit code.
  void end(int exit_code);

  FlightRecord read() const;

 private:
  static void write_event(FlightRecord& record, std::int64_t step, FlightEvent::What what);
  FlightRecord& record() const { return *record_.load(std::memory_order_acquire); }

  FlightRecord* const
      in_memory_;  // whole pages, as in_file_; whoever came upon it before the move may use it
  FlightRecord* in_file_ = nullptr;
  std::atomic<FlightRecord*> record_;        // one of them
  std::atomic<bool> is_identified_ = false;  // rank, ranks and host are written, and stay
};

// As long as this lives, the process is in a collective. `recorder` outlives it.
class CommunicatorCallScope {
 public:
  CommunicatorCallScope(FlightRecorder& recorder, CommunicatorCall call) : recorder_(recorder) {
    recorder_.enter(call);
  }
  ~CommunicatorCallScope() { recorder_.leave(); }
  CommunicatorCallScope(const CommunicatorCallScope&) = delete;  // it is a scope
  CommunicatorCallScope& operator=(const CommunicatorCallScope&) = delete;

 private:
  FlightRecorder& recorder_;
};

}  // namespace eightfold::base
