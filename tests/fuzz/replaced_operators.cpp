#include "tests/fuzz/allocations.hpp"

#include <malloc.h>

#include <cstdlib>
#include <new>

namespace {

void* allocate(std::size_t bytes, std::size_t alignment) {
  void* memory = alignment == 0
                     ? std::malloc(bytes)
                     : std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) throw std::bad_alloc();
  eightfold::fuzz::count_allocation(malloc_usable_size(memory));
  return memory;
}

void release(void* memory) noexcept {
  eightfold::fuzz::count_release(malloc_usable_size(memory));
  std::free(memory);
}

}  // namespace

void eightfold::fuzz::install_counting() {}

// Those of arrays and the sized ones call these.
void* operator new(std::size_t bytes) {
  return allocate(bytes, 0);
}
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return allocate(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  release(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  release(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  release(memory);
}
