#pragma once

// Calls to AddressSanitizer and ThreadSanitizer, in a build with them; empty in any other.

#include <cstddef>

#if defined(__has_feature)
#define EIGHTFOLD_HAS_FEATURE(name) __has_feature(name)
#else
#define EIGHTFOLD_HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || EIGHTFOLD_HAS_FEATURE(address_sanitizer)
#define EIGHTFOLD_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__) || EIGHTFOLD_HAS_FEATURE(thread_sanitizer)
#define EIGHTFOLD_TSAN
#include <sanitizer/tsan_interface.h>
#endif

namespace eightfold::simt::sanitizer {

#ifdef EIGHTFOLD_ASAN
inline constexpr bool kAddress = true;
inline void poison(const void* from, std::size_t bytes) {
  __asan_poison_memory_region(from, bytes);
}
inline void unpoison(const void* from, std::size_t bytes) {
  __asan_unpoison_memory_region(from, bytes);
}
inline void start_switch(void** save, const void* stack, std::size_t bytes) {
  __sanitizer_start_switch_fiber(save, stack, bytes);
}
inline void finish_switch(void* saved, const void** stack, std::size_t* bytes) {
  __sanitizer_finish_switch_fiber(saved, stack, bytes);
}
#else
inline constexpr bool kAddress = false;
inline void poison(const void*, std::size_t) {}
inline void unpoison(const void*, std::size_t) {}
inline void start_switch(void**, const void*, std::size_t) {}
inline void finish_switch(void*, const void**, std::size_t*) {}
#endif

#ifdef EIGHTFOLD_TSAN
inline constexpr bool kThread = true;
inline void* create_fiber() {
  return __tsan_create_fiber(0);
}
inline void destroy_fiber(void* fiber) {
  __tsan_destroy_fiber(fiber);
}
inline void* current_fiber() {
  return __tsan_get_current_fiber();
}
inline void switch_to_fiber(void* fiber) {
  __tsan_switch_to_fiber(fiber, 0);
}
#else
inline constexpr bool kThread = false;
inline void* create_fiber() {
  return nullptr;
}
inline void destroy_fiber(void*) {}
inline void* current_fiber() {
  return nullptr;
}
inline void switch_to_fiber(void*) {}
#endif

}  // namespace eightfold::simt::sanitizer
