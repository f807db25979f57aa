#pragma once

// Atomic operations, atomic also against the kernels of other streams. Each returns the old value.

#include "tests/simt/block.hpp"

#include <atomic>
#include <type_traits>

namespace eightfold::simt {

template <class Value>
inline constexpr bool kHasAtomics = std::is_arithmetic_v<Value> && sizeof(Value) >= 4;

// Relaxed, as on a GPU. `update` computes the new value from the old one.
template <class Value, class Update>
Value atomic_update(Value* at, const Update& update) {
  const std::atomic_ref<Value> target(*at);
  Value old = target.load(std::memory_order_relaxed);
  while (!target.compare_exchange_weak(old, update(old), std::memory_order_relaxed)) {
  }
  return old;
}

}  // namespace eightfold::simt

// The operand converts to the type of the target, as in a call of CUDA's overloads.
#define SIMT_ATOMIC(name, new_value)                                                                     \
  template <class Value>                                                                                 \
  Value name(Value* at, std::type_identity_t<Value> value) {                                             \
    static_assert(eightfold::simt::kHasAtomics<Value>, "not an operation that every GPU has");           \
    return eightfold::simt::atomic_update(at, [&](Value old) { return static_cast<Value>(new_value); }); \
  }
SIMT_ATOMIC(atomicAdd, old + value)
SIMT_ATOMIC(atomicSub, old - value)
SIMT_ATOMIC(atomicExch, (static_cast<void>(old), value))
SIMT_ATOMIC(atomicMin, value < old ? value : old)
SIMT_ATOMIC(atomicMax, old < value ? value : old)
SIMT_ATOMIC(atomicAnd, old& value)
SIMT_ATOMIC(atomicOr, old | value)
SIMT_ATOMIC(atomicXor, old ^ value)
// Count up to `value` and begin again at 0; count down from it and begin again there.
SIMT_ATOMIC(atomicInc, old >= value ? 0 : old + 1)
SIMT_ATOMIC(atomicDec, old == 0 || old > value ? value : old - 1)
#undef SIMT_ATOMIC

template <class Value>
Value atomicCAS(Value* at, std::type_identity_t<Value> expected, std::type_identity_t<Value> value) {
  static_assert(eightfold::simt::kHasAtomics<Value> || std::is_same_v<Value, unsigned short>,
                "not an operation that every GPU has");
  return eightfold::simt::atomic_update(at, [&](Value old) { return old == expected ? value : old; });
}
