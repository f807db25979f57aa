#pragma once

// Memory of the stand-in's devices. Its pages are protected whenever no operation of a stream runs. A host
// that follows a pointer to device memory dies with a message, as it would with a GPU. New memory holds 0xFF
// bytes (NaN). Each allocation ends within 256 bytes of a page that is never open; under AddressSanitizer the
// first byte beyond it counts.

#include <cstddef>
#include <cstdint>
#include <optional>

namespace eightfold::simt {

enum class MemoryType { device, pinned };

// Null when the device has no such amount left.
void* allocate(MemoryType type, int device, std::size_t bytes);
// False if no allocation of this type starts at `data`.
bool release(MemoryType type, void* data);

struct Allocation {
  MemoryType type;
  int device;
  std::size_t bytes;
  const void* data = nullptr;  // its first byte
};
// The one that `address` lies in.
std::optional<Allocation> allocation_at(const void* address);

inline constexpr std::size_t kDeviceBytes = std::size_t{4} << 30;
std::size_t free_bytes(int device);

// Device memory is open as long as one of these lives.
class OpenDeviceMemory {
 public:
  OpenDeviceMemory();
  ~OpenDeviceMemory();
  OpenDeviceMemory(const OpenDeviceMemory&) = delete;  // a scope
  OpenDeviceMemory& operator=(const OpenDeviceMemory&) = delete;
};

}  // namespace eightfold::simt
