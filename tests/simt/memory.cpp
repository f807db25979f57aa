#include "tests/simt/memory.hpp"

#include "tests/simt/live_objects.hpp"
#include "tests/simt/sanitizers.hpp"
#include "tests/simt/symbol.hpp"

#include <signal.h>
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>

namespace eightfold::simt {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kAlignment = 256;  // what cudaMalloc promises

std::size_t rounded_up(std::size_t bytes, std::size_t unit) {
  return (bytes + unit - 1) / unit * unit;
}

struct Owned : Allocation {
  char* mapping = nullptr;  // of a device: a closed page, the pages in use, a closed page
  std::size_t mapped_bytes = 0;
  CallStack made_by;
};

struct Registry {
  std::mutex mutex;
  std::map<const char*, Owned> owned;  // by the first byte
  int open_count = 0;
};

// Never destroyed: the handler of SIGSEGV may need it at any time.
Registry& registry() {
  static Registry& result = *new Registry;
  return result;
}

void protect(const Owned& owned, int protection) {
  if (owned.type == MemoryType::device)
    ::mprotect(owned.mapping + kPage, owned.mapped_bytes - 2 * kPage, protection);
}

// The allocation whose bytes or closed pages `address` lies in.
const std::pair<const char* const, Owned>* owner_of(Registry& all, const char* address) {
  for (const auto& entry : all.owned) {
    const Owned& owned = entry.second;
    const char* first = owned.type == MemoryType::device ? owned.mapping : entry.first;
    const std::size_t bytes = owned.type == MemoryType::device ? owned.mapped_bytes : owned.bytes;
    if (address >= first && address < first + bytes) return &entry;
  }
  return nullptr;
}

// ---- Whoever touches closed pages.

struct sigaction previous_action;

[[noreturn]] void report_and_abort(const char* address, const char* data, const Owned& owned) {
  const bool is_inside = address >= data && address < data + owned.bytes;
  std::fprintf(stderr, "simt: %s at %p, byte %td of %zu allocated by\n%s",
               is_inside ? "host access to device memory" : "access beyond device memory",
               static_cast<const void*>(address), address - data, owned.bytes, owned.made_by.text().c_str());
  std::fflush(stderr);
  std::abort();
}

void on_fault(int, siginfo_t* info, void*) {
  Registry& all = registry();
  const auto* address = static_cast<const char*>(info->si_addr);
  const std::unique_lock lock(all.mutex, std::try_to_lock);
  if (lock.owns_lock() && info->si_code > 0)  // by hardware, not by kill()
    if (const auto* owner = owner_of(all, address)) report_and_abort(address, owner->first, owner->second);
  ::sigaction(SIGSEGV, &previous_action,
              nullptr);  // not ours: it happens again, for whoever was there before
}

// Test frameworks install handlers of their own: ours is put in front whenever memory is closed.
void install_handler() {
  struct sigaction current {};
  ::sigaction(SIGSEGV, nullptr, &current);
  if ((current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == &on_fault) return;
  previous_action = current;
  struct sigaction ours {};
  ours.sa_sigaction = &on_fault;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGSEGV, &ours, nullptr);
}

// ---- The two kinds of memory.

char* map_device_memory(Owned& owned) {
  const std::size_t used = rounded_up(rounded_up(owned.bytes, kAlignment), kPage);
  owned.mapped_bytes = used + 2 * kPage;
  void* mapping =
      ::mmap(nullptr, owned.mapped_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return nullptr;
  owned.mapping = static_cast<char*>(mapping);
  char* end = owned.mapping + kPage + used;
  char* data = end - rounded_up(owned.bytes, kAlignment);
  protect(owned, PROT_READ | PROT_WRITE);
  std::memset(data, 0xFF, owned.bytes);
  sanitizer::poison(owned.mapping + kPage, static_cast<std::size_t>(data - owned.mapping) - kPage);
  sanitizer::poison(data + owned.bytes, static_cast<std::size_t>(end - data) - owned.bytes);
  return data;
}

char* allocate_pinned(std::size_t bytes) {
  void* data = nullptr;
  if (::posix_memalign(&data, kAlignment, bytes) != 0) return nullptr;
  std::memset(data, 0xFF, bytes);
  return static_cast<char*>(data);
}

void close_if_unused(Registry& all) {
  if (all.open_count > 0) return;
  for (const auto& [data, owned] : all.owned) protect(owned, PROT_NONE);
  install_handler();
}

std::size_t used_bytes(const Registry& all, int device) {
  std::size_t used = 0;
  for (const auto& [data, owned] : all.owned)
    if (owned.type == MemoryType::device && owned.device == device) used += owned.bytes;
  return used;
}

}  // namespace

void* allocate(MemoryType type, int device, std::size_t bytes) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  if (type == MemoryType::device && bytes > kDeviceBytes - used_bytes(all, device)) return nullptr;
  Owned owned{{.type = type, .device = device, .bytes = bytes}, nullptr, 0, {}};
  char* data = type == MemoryType::device ? map_device_memory(owned) : allocate_pinned(bytes);
  if (data == nullptr) return nullptr;
  owned.data = data;
  all.owned.emplace(data, owned);
  close_if_unused(all);
  add_live(type == MemoryType::device ? Live::device_memory : Live::pinned_memory, data);
  return data;
}

bool release(MemoryType type, void* data) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto found = all.owned.find(static_cast<const char*>(data));
  if (found == all.owned.end() || found->second.type != type) return false;
  if (type == MemoryType::device) {
    sanitizer::unpoison(found->second.mapping, found->second.mapped_bytes);
    ::munmap(found->second.mapping, found->second.mapped_bytes);
  } else {
    std::free(data);
  }
  all.owned.erase(found);
  remove_live(data);
  return true;
}

std::optional<Allocation> allocation_at(const void* address) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  const auto* byte = static_cast<const char*>(address);
  const auto next = all.owned.upper_bound(byte);  // the first that starts behind it
  if (next == all.owned.begin()) return std::nullopt;
  const auto& [data, owned] = *std::prev(next);
  return byte < data + owned.bytes ? std::optional<Allocation>(owned) : std::nullopt;
}

std::size_t free_bytes(int device) {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  return kDeviceBytes - used_bytes(all, device);
}

OpenDeviceMemory::OpenDeviceMemory() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  if (all.open_count++ > 0) return;
  for (const auto& [data, owned] : all.owned) protect(owned, PROT_READ | PROT_WRITE);
}

OpenDeviceMemory::~OpenDeviceMemory() {
  Registry& all = registry();
  const std::lock_guard lock(all.mutex);
  --all.open_count;
  close_if_unused(all);
}

}  // namespace eightfold::simt
