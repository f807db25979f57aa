#pragma once

// Barriers of a block and its shared memory.

#include "tests/simt/block.hpp"

#include <atomic>

inline void __syncthreads(std::source_location where = std::source_location::current()) {
  eightfold::simt::Block::current().barrier("__syncthreads", false, where);
}
// Barriers that return how many threads, or whether any or all, brought something other than 0.
inline int __syncthreads_count(int value, std::source_location where = std::source_location::current()) {
  return eightfold::simt::Block::current().barrier("__syncthreads_count", value != 0, where);
}
inline int __syncthreads_or(int value, std::source_location where = std::source_location::current()) {
  return eightfold::simt::Block::current().barrier("__syncthreads_or", value != 0, where) > 0 ? 1 : 0;
}
inline int __syncthreads_and(int value, std::source_location where = std::source_location::current()) {
  return eightfold::simt::Block::current().barrier("__syncthreads_and", value == 0, where) == 0 ? 1 : 0;
}

inline void __threadfence_block() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}
inline void __threadfence() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}
inline void __threadfence_system() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

// The address of the static variable tells one declaration (and one instantiation of a template) from
// another.
#define SHARED_ARRAY(type, name, count)              \
  static constexpr char simt_declaration_##name{};   \
  type(&name)[count] = *static_cast<type(*)[count]>( \
      eightfold::simt::Block::current().shared(&simt_declaration_##name, sizeof(type[count])))

namespace eightfold::kernels::cuda {
template <class Value>
Value* dynamic_shared() {
  return static_cast<Value*>(simt::Block::current().dynamic_shared());
}
}  // namespace eightfold::kernels::cuda
