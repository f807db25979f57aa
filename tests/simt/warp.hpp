#pragma once

// Operations of a warp: shuffles, votes, reductions. All lanes of the mask that have not ended take part.
// A lane that reads from one that does not take part gets 0xFF bytes (NaN): on a GPU the value is undefined.

#include "tests/simt/block.hpp"

#include <bit>
#include <cstring>
#include <type_traits>

namespace eightfold::simt {

// Plain bits, also where a type copies itself by hand, like __half2.
template <class Value>
std::uint64_t to_word(const Value& value) {
  static_assert(std::is_standard_layout_v<Value> && std::is_trivially_destructible_v<Value> &&
                sizeof(Value) <= sizeof(std::uint64_t));
  std::uint64_t word = 0;
  std::memcpy(&word, static_cast<const void*>(&value), sizeof(Value));
  return word;
}

template <class Value>
Value from_word(std::uint64_t word) {
  Value value;
  std::memcpy(static_cast<void*>(&value), &word, sizeof(Value));
  return value;
}

inline std::uint64_t read_source(const WarpCalls& calls, unsigned present, unsigned lane) {
  const unsigned source = calls[lane].source;
  return (present >> source & 1U) != 0 ? calls[source].value : ~std::uint64_t{0};
}

template <class Value>
Value shuffle(const char* name, unsigned mask, Value value, unsigned source, std::source_location where) {
  const WarpCall call{.name = name, .mask = mask, .where = where, .value = to_word(value), .source = source};
  return from_word<Value>(Block::current().warp_operation(call, &read_source));
}

// The lanes that brought something other than 0.
inline std::uint64_t vote(const WarpCalls& calls, unsigned present, unsigned) {
  unsigned votes = 0;
  for (unsigned lane = 0; lane < kWarp; ++lane)
    if ((present >> lane & 1U) != 0 && calls[lane].value != 0) votes |= 1U << lane;
  return votes;
}

// The lanes that brought the same as this one.
inline std::uint64_t match(const WarpCalls& calls, unsigned present, unsigned lane) {
  unsigned equal = 0;
  for (unsigned other = 0; other < kWarp; ++other)
    if ((present >> other & 1U) != 0 && calls[other].value == calls[lane].value) equal |= 1U << other;
  return equal;
}

// All lanes if all brought the same, else none.
inline std::uint64_t match_all(const WarpCalls& calls, unsigned present, unsigned lane) {
  return match(calls, present, lane) == present ? present : 0;
}

template <class Value, class Combine>
std::uint64_t fold(const WarpCalls& calls, unsigned present, unsigned) {
  Value result = from_word<Value>(calls[static_cast<unsigned>(std::countr_zero(present))].value);
  for (unsigned rest = present & (present - 1); rest != 0; rest &= rest - 1)
    result = Combine{}(result, from_word<Value>(calls[static_cast<unsigned>(std::countr_zero(rest))].value));
  return to_word(result);
}

template <class Combine, class Value>
Value reduce(const char* name, unsigned mask, Value value, std::source_location where) {
  const WarpCall call{.name = name, .mask = mask, .where = where, .value = to_word(value)};
  return from_word<Value>(Block::current().warp_operation(call, &fold<Value, Combine>));
}

inline unsigned vote_of(const char* name, unsigned mask, bool value, std::source_location where) {
  const WarpCall call{.name = name, .mask = mask, .where = where, .value = value ? 1U : 0U};
  return static_cast<unsigned>(Block::current().warp_operation(call, &vote));
}

struct Smaller {
  template <class Value>
  Value operator()(Value a, Value b) const {
    return b < a ? b : a;
  }
};
struct Larger {
  template <class Value>
  Value operator()(Value a, Value b) const {
    return a < b ? b : a;
  }
};

}  // namespace eightfold::simt

inline void __syncwarp(unsigned mask = 0xFFFFFFFFU,
                       std::source_location where = std::source_location::current()) {
  eightfold::simt::Block::current().warp_operation(
      {.name = "__syncwarp", .mask = mask, .where = where, .may_meet_elsewhere = true},
      &eightfold::simt::vote);
}

// `width`, a power of two, divides the warp into sections that see only themselves.
template <class Value>
Value __shfl_sync(unsigned mask, Value value, int source, int width = 32,
                  std::source_location where = std::source_location::current()) {
  const unsigned lane = eightfold::simt::Block::current().lane(), section = static_cast<unsigned>(width);
  return eightfold::simt::shuffle("__shfl_sync", mask, value,
                                  lane / section * section + static_cast<unsigned>(source) % section, where);
}
template <class Value>
Value __shfl_up_sync(unsigned mask, Value value, unsigned delta, int width = 32,
                     std::source_location where = std::source_location::current()) {
  const unsigned lane = eightfold::simt::Block::current().lane(), section = static_cast<unsigned>(width);
  return eightfold::simt::shuffle("__shfl_up_sync", mask, value,
                                  lane % section >= delta ? lane - delta : lane, where);
}
template <class Value>
Value __shfl_down_sync(unsigned mask, Value value, unsigned delta, int width = 32,
                       std::source_location where = std::source_location::current()) {
  const unsigned lane = eightfold::simt::Block::current().lane(), section = static_cast<unsigned>(width);
  return eightfold::simt::shuffle("__shfl_down_sync", mask, value,
                                  lane % section + delta < section ? lane + delta : lane, where);
}
// Reads earlier sections too, but no later one.
template <class Value>
Value __shfl_xor_sync(unsigned mask, Value value, int lanes, int width = 32,
                      std::source_location where = std::source_location::current()) {
  const unsigned lane = eightfold::simt::Block::current().lane(), section = static_cast<unsigned>(width);
  const unsigned source = (lane ^ static_cast<unsigned>(lanes)) % eightfold::simt::kWarp;
  return eightfold::simt::shuffle("__shfl_xor_sync", mask, value,
                                  source < lane / section * section + section ? source : lane, where);
}

inline unsigned __ballot_sync(unsigned mask, int value,
                              std::source_location where = std::source_location::current()) {
  return eightfold::simt::vote_of("__ballot_sync", mask, value != 0, where);
}
inline int __any_sync(unsigned mask, int value,
                      std::source_location where = std::source_location::current()) {
  return eightfold::simt::vote_of("__any_sync", mask, value != 0, where) != 0 ? 1 : 0;
}
inline int __all_sync(unsigned mask, int value,
                      std::source_location where = std::source_location::current()) {
  return eightfold::simt::vote_of("__all_sync", mask, value == 0, where) == 0 ? 1 : 0;
}
template <class Value>
unsigned __match_any_sync(unsigned mask, Value value,
                          std::source_location where = std::source_location::current()) {
  const eightfold::simt::WarpCall call{
      .name = "__match_any_sync", .mask = mask, .where = where, .value = eightfold::simt::to_word(value)};
  return static_cast<unsigned>(
      eightfold::simt::Block::current().warp_operation(call, &eightfold::simt::match));
}
// The whole mask and true where all of it brought the same, else 0.
template <class Value>
unsigned __match_all_sync(unsigned mask, Value value, int* is_equal,
                          std::source_location where = std::source_location::current()) {
  const eightfold::simt::WarpCall call{
      .name = "__match_all_sync", .mask = mask, .where = where, .value = eightfold::simt::to_word(value)};
  const auto equal = static_cast<unsigned>(
      eightfold::simt::Block::current().warp_operation(call, &eightfold::simt::match_all));
  *is_equal = equal != 0 ? 1 : 0;
  return equal;
}

#define SIMT_REDUCE(name, Value, Combine)                                           \
  inline Value name(unsigned mask, Value value,                                     \
                    std::source_location where = std::source_location::current()) { \
    return eightfold::simt::reduce<Combine>(#name, mask, value, where);             \
  }
SIMT_REDUCE(__reduce_add_sync, unsigned, std::plus<>)
SIMT_REDUCE(__reduce_add_sync, int, std::plus<>)
SIMT_REDUCE(__reduce_min_sync, unsigned, eightfold::simt::Smaller)
SIMT_REDUCE(__reduce_min_sync, int, eightfold::simt::Smaller)
SIMT_REDUCE(__reduce_max_sync, unsigned, eightfold::simt::Larger)
SIMT_REDUCE(__reduce_max_sync, int, eightfold::simt::Larger)
SIMT_REDUCE(__reduce_and_sync, unsigned, std::bit_and<>)
SIMT_REDUCE(__reduce_or_sync, unsigned, std::bit_or<>)
SIMT_REDUCE(__reduce_xor_sync, unsigned, std::bit_xor<>)
#undef SIMT_REDUCE
