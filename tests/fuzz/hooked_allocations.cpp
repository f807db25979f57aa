#include "kernels/base/error.hpp"
#include "tests/fuzz/allocations.hpp"

#include <sanitizer/allocator_interface.h>

namespace eightfold::fuzz {

void install_counting() {
  const int slot = __sanitizer_install_malloc_and_free_hooks(
      [](const volatile void*, std::size_t bytes) { count_allocation(bytes); },
      [](const volatile void* memory) {
        if (memory != nullptr) count_release(__sanitizer_get_allocated_size(memory));
      });
  base::require(slot != 0, "the sanitizer takes no more hooks");
}

}  // namespace eightfold::fuzz
