#include "tests/simt/deadlock.hpp"

#include "tests/simt/settings.hpp"
#include "tests/simt/stream.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace eightfold::simt {
namespace {

constexpr int kDeadlocked = 87;  // the exit status of a program that hangs
constexpr std::chrono::milliseconds kInterval{10};

struct Wait {
  Reason reason;
  std::function<bool()> is_over;
};

struct Registry {
  std::mutex mutex;
  std::vector<Stream*> streams;  // in the order in which they were made
  std::map<int, Wait> waits;
  int wait_count = 0;
  std::uint64_t done = 0;           // operations, when somebody last looked
  bool is_somebody_asking = false;  // and was told since then that something is not ready
};

// Never destroyed: streams are watched to the program's very end.
Registry& registry() {
  static Registry& result = *new Registry;
  return result;
}

// Why nobody can go on; empty if somebody can, or nobody waits. `done` becomes the operations done so far.
std::string find_deadlock(std::uint64_t& done) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  std::string report;
  done = 0;
  for (Stream* stream : all.streams) {
    const Stream::Condition condition = stream->condition();
    done += condition.done;
    if (condition.is_idle) continue;
    if (condition.obstacle.empty()) return {};
    report += "  " + condition.obstacle + "\n";
  }
  std::string waits;
  for (const auto& [number, wait] : all.waits)
    if (!wait.is_over())
      waits += fmt::format("  a thread in {} waits for {}\n", wait.reason.call, wait.reason.what);
  if (done != std::exchange(all.done, done)) all.is_somebody_asking = false;
  if (all.is_somebody_asking) waits += "  a thread asks again and again\n";
  return report.empty() || waits.empty() ? std::string() : report + waits;
}

[[noreturn]] void report_and_exit(const std::string& report) {
  std::fprintf(stderr, "simt: deadlock, nothing has moved for %d ms\n%s", settings().deadlock_ms,
               report.c_str());
  std::fflush(nullptr);
  ::_exit(kDeadlocked);
}

void look_for_ever() {
  const std::chrono::milliseconds patience(settings().deadlock_ms);
  std::uint64_t done_before = 0;
  auto since = std::chrono::steady_clock::now();
  for (;;) {
    std::uint64_t done = 0;
    const std::string report = find_deadlock(done);
    const auto now = std::chrono::steady_clock::now();
    if (report.empty() || done != done_before) since = now;
    if (now - since >= patience) report_and_exit(report);
    done_before = done;
    std::this_thread::sleep_for(kInterval);
  }
}

}  // namespace

HostWait::HostWait(Reason reason, std::function<bool()> is_over)
    : number_([&] {
        Registry& all = registry();
        const std::lock_guard lock(all.mutex);
        all.waits.emplace(all.wait_count, Wait{reason, std::move(is_over)});
        return all.wait_count++;
      }()) {}

HostWait::~HostWait() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.waits.erase(number_);
}

void note_not_ready() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.is_somebody_asking = true;
}

void watch(Stream& stream) {
  static const bool is_looking = [] {
    if (settings().deadlock_ms > 0) std::thread(look_for_ever).detach();
    return true;
  }();
  static_cast<void>(is_looking);
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.streams.push_back(&stream);
}

void forget(Stream& stream) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  std::erase(all.streams, &stream);
}

}  // namespace eightfold::simt
