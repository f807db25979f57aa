#include "tests/simt/live_objects.hpp"

#include "tests/simt/symbol.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>

namespace eightfold::simt {
namespace {

constexpr int kLeaked = 86;  // the exit status of a program that leaked

struct Made {
  Live what;
  CallStack by;
};

struct Registry {
  std::mutex mutex;
  std::map<const void*, Made> alive;

  int count(Live what) const {
    return static_cast<int>(std::count_if(alive.begin(), alive.end(),
                                          [what](const auto& entry) { return entry.second.what == what; }));
  }
};

// Never destroyed: asked at the program's very end.
Registry& registry() {
  static Registry& result = *new Registry;
  return result;
}

const char* name_of(Live what) {
  switch (what) {
    case Live::streams:
      return "stream";
    case Live::events:
      return "event";
    case Live::device_memory:
      return "allocation of device memory";
    case Live::pinned_memory:
      return "allocation of pinned memory";
  }
  return "object";
}

void check_at_exit() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  if (all.alive.empty()) return;
  for (const auto& [object, made] : all.alive)
    std::fprintf(stderr, "simt: leaked: %s %p, never destroyed, made by\n%s", name_of(made.what), object,
                 made.by.text().c_str());
  std::fflush(nullptr);
  ::_exit(kLeaked);
}

}  // namespace

LiveObjects live_objects() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  return {all.count(Live::streams), all.count(Live::events), all.count(Live::device_memory),
          all.count(Live::pinned_memory)};
}

void add_live(Live what, const void* object) {
  static const int registered = std::atexit(&check_at_exit);
  static_cast<void>(registered);
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.alive.insert_or_assign(object, Made{what, {}});
}

void remove_live(const void* object) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  all.alive.erase(object);
}

}  // namespace eightfold::simt
