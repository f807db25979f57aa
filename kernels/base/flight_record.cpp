#include "kernels/base/flight_record.hpp"

#include "kernels/base/descriptor.hpp"
#include "kernels/base/error.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <new>
#include <type_traits>
#include <vector>

namespace eightfold::base {
namespace {

static_assert(std::is_trivially_copyable_v<FlightRecord> && std::is_standard_layout_v<FlightRecord>);
static_assert(sizeof(FlightEvent) == 32 && sizeof(Wait) == 8);

// The record is plain bytes, for files and for readers; while it is shared it is touched through these alone.
template <class Field>
std::atomic_ref<Field> shared(Field& field) {
  static_assert(std::atomic_ref<Field>::is_always_lock_free);
  return std::atomic_ref<Field>(field);
}
template <class Field>
// Relaxed: fields are read one by one, and a record that mixes two moments still serves a diagnosis.
void put(Field& field, std::type_identity_t<Field> value) {
  shared(field).store(value, std::memory_order_relaxed);
}
template <class Field>
Field get(Field& field) {
  return shared(field).load(std::memory_order_relaxed);
}

std::int64_t now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

std::size_t mapped_bytes() {
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return (sizeof(FlightRecord) + page - 1) / page * page;
}

// MAP_FAILED: it could not.
void* map(int flags, int file) {
  return ::mmap(nullptr, mapped_bytes(), PROT_READ | PROT_WRITE, flags, file, 0);
}

[[noreturn]] void fail(const std::filesystem::path& file, int code) {
  raise<EnvironmentError>("cannot keep the flight record in {}: {}", file.string(), std::strerror(code));
}

}  // namespace

std::string_view to_string(Phase phase) {
  constexpr std::array<std::string_view, kPhases> kNames = {"start-up",   "data",       "forward", "exchange",
                                                            "evaluation", "checkpoint", "ended"};
  const auto index = static_cast<std::size_t>(phase);
  return index < kNames.size() ? kNames[index] : "an unknown phase";
}

std::string_view to_string(CommunicatorCall call) {
  constexpr std::array<std::string_view, 8> kNames = {"barrier", "broadcast",  "transfer",        "gather",
                                                      "sum",     "all_gather", "node_all_gather", "max"};
  const auto index = static_cast<std::size_t>(call);
  return index < kNames.size() ? kNames[index] : "an unknown call";
}

std::vector<FlightEvent> FlightRecord::last_events() const {
  std::vector<FlightEvent> found;
  for (std::size_t i = 0; i < kEvents; ++i)  // one that is being written is not there
    if (events[i].number > 0 && static_cast<std::size_t>(events[i].number) % kEvents == i)
      found.push_back(events[i]);
  std::ranges::sort(found, {}, &FlightEvent::number);
  return found;
}

std::filesystem::path flight_file(const std::filesystem::path& directory, int rank) {
  return directory / fmt::format("rank-{:05}.bin", rank);
}

std::optional<FlightRecord> read_flight_record(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::array<char, sizeof(FlightRecord)> bytes;
  if (!in.read(bytes.data(), bytes.size())) return std::nullopt;
  FlightRecord record;
  std::memcpy(&record, bytes.data(), bytes.size());
  if (record.magic != FlightRecord::kMagic || record.version != FlightRecord::kVersion) return std::nullopt;
  // A damaged file may have no end of the name.
  record.host.back() = '\0';
  return record;
}

FlightRecorder::FlightRecorder()
    : in_memory_([] {
        void* place = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
        if (place == MAP_FAILED) throw std::bad_alloc();
        return new (place) FlightRecord;
      }()),
      record_(in_memory_) {
  in_memory_->pid = ::getpid();
  in_memory_->phase_began_ns = in_memory_->heartbeat_ns = now_ns();
}

FlightRecorder::~FlightRecorder() {
  ::munmap(in_memory_, mapped_bytes());
  if (in_file_ != nullptr) ::munmap(in_file_, mapped_bytes());
}

void FlightRecorder::identify(int rank, int ranks, const std::string& host) {
  require(!is_identified_, "a flight record is identified twice");
  FlightRecord& record = this->record();
  record.rank = rank;
  record.ranks = ranks;
  host.copy(record.host.data(), record.host.size() - 1);
  is_identified_.store(true, std::memory_order_release);
}

void FlightRecorder::keep_in(const std::filesystem::path& directory) {
  require(in_file_ == nullptr, "a flight record is moved twice");
  const FlightRecord so_far = read();
  const std::filesystem::path path = flight_file(directory, so_far.rank);
  ::unlink(path.c_str());
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) fail(path, errno);
  // A disk that is full says so here; later it would be a signal. Not every file system can reserve space.
  std::vector<std::byte> contents(mapped_bytes());
  std::memcpy(contents.data(), &so_far, sizeof so_far);
  const ssize_t written = ::pwrite(file.get(), contents.data(), contents.size(), 0);
  if (written != static_cast<ssize_t>(contents.size())) fail(path, written < 0 ? errno : ENOSPC);
  void* place = map(MAP_SHARED, file.get());
  if (place == MAP_FAILED) fail(path, errno);
  in_file_ = static_cast<FlightRecord*>(place);
  // The record in memory stays mapped: another thread may be writing to it. What it writes there now is lost.
  record_.store(in_file_, std::memory_order_release);
}

void FlightRecorder::beat() {
  put(record().heartbeat_ns, now_ns());
}

void FlightRecorder::begin_phase(Phase phase, std::int64_t step) {
  FlightRecord& record = this->record();
  put(record.phase_began_ns, now_ns());
  put(record.step, step);
  shared(record.phase).store(phase, std::memory_order_release);  // who sees it sees its beginning
  write_event(record, step, {FlightEvent::Kind::phase, static_cast<std::uint16_t>(phase), 0});
}

void FlightRecorder::note(FlightEvent::Kind kind, std::int64_t step, std::int64_t bucket) {
  write_event(record(), step, {kind, 0, static_cast<std::int32_t>(bucket)});
}

void FlightRecorder::wait_for(const Wait& wait) {
  FlightRecord& record = this->record();
  const bool is_new = get(record.wait) != wait;  // or a long wait would leave no other event
  put(record.wait, wait);
  if (is_new && wait.direction != Wait::Direction::none)
    write_event(record, get(record.step), {FlightEvent::Kind::wait, wait.peer, wait.bucket});
}

void FlightRecorder::enter(CommunicatorCall call) {
  FlightRecord& record = this->record();
  const std::int64_t number = get(record.collectives_entered) + 1;
  put(record.collective, static_cast<std::int64_t>(call));
  put(record.collectives_entered, number);
  write_event(
      record, get(record.step),
      {FlightEvent::Kind::enter, static_cast<std::uint16_t>(call), static_cast<std::int32_t>(number)});
}

void FlightRecorder::leave() {
  FlightRecord& record = this->record();
  const std::int64_t number = get(record.collectives_left) + 1;
  put(record.collectives_left, number);
  write_event(record, get(record.step), {FlightEvent::Kind::leave, 0, static_cast<std::int32_t>(number)});
}

void FlightRecorder::end(int exit_code) {
  FlightRecord& record = this->record();
  put(record.exit_code, exit_code);
  begin_phase(Phase::ended, get(record.step));
}

FlightRecord FlightRecorder::read() const {
  FlightRecord& record = this->record();
  FlightRecord copy;
  copy.pid = record.pid;
  if (is_identified_.load(std::memory_order_acquire)) {
    copy.rank = record.rank;
    copy.ranks = record.ranks;
    copy.host = record.host;
  }
  copy.phase = shared(record.phase).load(std::memory_order_acquire);
  for (const auto field :
       {&FlightRecord::heartbeat_ns, &FlightRecord::phase_began_ns, &FlightRecord::step,
        &FlightRecord::collectives_entered, &FlightRecord::collectives_left, &FlightRecord::collective,
        &FlightRecord::exit_code, &FlightRecord::events_written})
    copy.*field = get(record.*field);
  copy.wait = get(record.wait);
  for (std::size_t i = 0; i < FlightRecord::kEvents; ++i) {
    FlightEvent& event = record.events[i];
    const std::int64_t number = shared(event.number).load(std::memory_order_acquire);
    FlightEvent seen{number, get(event.time_ns), get(event.step), get(event.what)};
    if (shared(event.number).load(std::memory_order_acquire) != number) seen.number = 0;
    copy.events[i] = seen;
  }
  return copy;
}

// Several threads write events. Each takes a number, and with it a place of the ring. While the fields
// change, the place has the number 0. A reader drops an event whose number is 0 or another one after reading.
void FlightRecorder::write_event(FlightRecord& record, std::int64_t step, FlightEvent::What what) {
  const std::int64_t number = shared(record.events_written).fetch_add(1, std::memory_order_relaxed) + 1;
  FlightEvent& event = record.events[static_cast<std::size_t>(number) % FlightRecord::kEvents];
  put(event.number, 0);
  put(event.time_ns, now_ns());
  put(event.step, step);
  put(event.what, what);
  shared(event.number).store(number, std::memory_order_release);
}

}  // namespace eightfold::base
