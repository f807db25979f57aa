#include "kernels/base/flight_record.hpp"

#include "kernels/base/descriptor.hpp"
#include "kernels/base/error.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <new>
#include <type_traits>

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

void* map(void* place, int flags, int file) {
  return ::mmap(place, mapped_bytes(), PROT_READ | PROT_WRITE, flags, file, 0);
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

std::string_view to_string(Collective collective) {
  constexpr std::array<std::string_view, 7> kNames = {"barrier", "broadcast",  "carry",          "gather",
                                                      "sum",     "all_gather", "node_all_gather"};
  const auto index = static_cast<std::size_t>(collective);
  return index < kNames.size() ? kNames[index] : "an unknown collective";
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
  record.host.back() = '\0';
  return record;
}

FlightRecorder::FlightRecorder()
    : record_([] {
        void* place = map(nullptr, MAP_PRIVATE | MAP_ANONYMOUS, -1);
        if (place == MAP_FAILED) throw std::bad_alloc();
        return new (place) FlightRecord;
      }()) {
  record_->pid = ::getpid();
  record_->phase_began_ns = record_->heartbeat_ns = now_ns();
}

FlightRecorder::~FlightRecorder() {
  ::munmap(record_, mapped_bytes());
}

void FlightRecorder::identify(int rank, int ranks, const std::string& host) {
  record_->rank = rank;
  record_->ranks = ranks;
  record_->host = {};
  host.copy(record_->host.data(), record_->host.size() - 1);
}

void FlightRecorder::keep_in(const std::filesystem::path& directory) {
  const std::filesystem::path path = flight_file(directory, record_->rank);
  ::unlink(path.c_str());
  const Descriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) fail(path, errno);
  // A disk that is full says so here; later it would be a signal.
  if (const int code = ::posix_fallocate(file.get(), 0, static_cast<off_t>(mapped_bytes())); code != 0)
    fail(path, code);
  const FlightRecord so_far = read();
  if (::pwrite(file.get(), &so_far, sizeof so_far, 0) != static_cast<ssize_t>(sizeof so_far))
    fail(path, errno);
  // In place of the memory, at once: who writes meanwhile notices nothing.
  if (map(record_, MAP_SHARED | MAP_FIXED, file.get()) == MAP_FAILED) fail(path, errno);
}

void FlightRecorder::beat() {
  put(record_->heartbeat_ns, now_ns());
}

void FlightRecorder::begin_phase(Phase phase, std::int64_t step) {
  put(record_->phase_began_ns, now_ns());
  put(record_->step, step);
  shared(record_->phase).store(phase, std::memory_order_release);  // who sees it sees its beginning
  write_event(step, {FlightEvent::Kind::phase, static_cast<std::uint16_t>(phase), 0});
}

void FlightRecorder::note(FlightEvent::Kind kind, std::int64_t step, std::int64_t bucket) {
  write_event(step, {kind, 0, static_cast<std::int32_t>(bucket)});
}

void FlightRecorder::wait_for(const Wait& wait) {
  put(record_->wait, wait);
  if (wait.direction != Wait::Direction::none)
    write_event(get(record_->step), {FlightEvent::Kind::wait, wait.peer, wait.bucket});
}

void FlightRecorder::enter(Collective collective) {
  const std::int64_t number = get(record_->collectives_entered) + 1;
  put(record_->collective, static_cast<std::int64_t>(collective));
  put(record_->collectives_entered, number);
  write_event(get(record_->step), {FlightEvent::Kind::enter, static_cast<std::uint16_t>(collective),
                                   static_cast<std::int32_t>(number)});
}

void FlightRecorder::leave() {
  const std::int64_t number = get(record_->collectives_left) + 1;
  put(record_->collectives_left, number);
  write_event(get(record_->step), {FlightEvent::Kind::leave, 0, static_cast<std::int32_t>(number)});
}

void FlightRecorder::end(int exit_code) {
  put(record_->exit_code, exit_code);
  begin_phase(Phase::ended, get(record_->step));
}

FlightRecord FlightRecorder::read() const {
  FlightRecord copy;
  copy.rank = record_->rank;
  copy.ranks = record_->ranks;
  copy.pid = record_->pid;
  copy.host = record_->host;
  copy.phase = shared(record_->phase).load(std::memory_order_acquire);
  for (const auto field :
       {&FlightRecord::heartbeat_ns, &FlightRecord::phase_began_ns, &FlightRecord::step,
        &FlightRecord::collectives_entered, &FlightRecord::collectives_left, &FlightRecord::collective,
        &FlightRecord::exit_code, &FlightRecord::events_written})
    copy.*field = get(record_->*field);
  copy.wait = get(record_->wait);
  for (std::size_t i = 0; i < FlightRecord::kEvents; ++i) {
    FlightEvent& event = record_->events[i];
    const std::int64_t number = shared(event.number).load(std::memory_order_acquire);
    FlightEvent seen{number, get(event.time_ns), get(event.step), get(event.what)};
    if (shared(event.number).load(std::memory_order_acquire) != number) seen.number = 0;
    copy.events[i] = seen;
  }
  return copy;
}

void FlightRecorder::write_event(std::int64_t step, FlightEvent::What what) {
  const std::int64_t number = shared(record_->events_written).fetch_add(1, std::memory_order_relaxed) + 1;
  FlightEvent& event = record_->events[static_cast<std::size_t>(number) % FlightRecord::kEvents];
  put(event.number, 0);
  put(event.time_ns, now_ns());
  put(event.step, step);
  put(event.what, what);
  shared(event.number).store(number, std::memory_order_release);
}

FlightRecorder& flight_recorder() {
  static FlightRecorder recorder;
  return recorder;
}

}  // namespace eightfold::base
