#pragma once

// Counts the memory that this thread has allocated since a moment. The build chooses the counter. The
// sanitizer's hooks (hooked_allocations.cpp) see every allocation of the process. Replaced operators new and
// delete (replaced_operators.cpp) see those of C++.

#include "tests/fuzz/target.hpp"

namespace eightfold::fuzz {

// Between the two calls an allocation beyond the limit ends the process.
void start_counting(const MemoryLimit& limit);
// The most that was live at once, in bytes.
std::size_t stop_counting();

// For the implementations: called for every allocation, and before every release.
void count_allocation(std::size_t bytes) noexcept;
void count_release(std::size_t bytes) noexcept;
// Called once by start_counting().
void install_counting();

}  // namespace eightfold::fuzz
