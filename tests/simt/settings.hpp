#pragma once

// The stand-in's settings from the environment, read once.
//   SIMT_SEED=n          the order of threads, blocks and delays; without it a new one, printed at the first
//                        kernel
//   SIMT_DELAY=p/us      each operation of a stream sleeps, with probability p, up to so many microseconds
//   SIMT_DEVICES=n       how many devices there are (default 1)
//   SIMT_KERNELS=path    the directory that gets the names of executed kernels
//
// What a driver may do, and a kind one does not (docs/simt.md); 0 turns each off:
//   SIMT_HOST_THREADS=1  host functions of all streams run on one thread, one after the other
//   SIMT_QUEUES=n        the streams of a device share so many hardware queues
//   SIMT_LAZY=1          the first use of a kernel, allocations and frees wait for the whole device
//   SIMT_PAGEABLE=1      a copy from or to pageable memory locks the runtime until its stream reaches it
//   SIMT_STRICT_DEVICE=1 a thread must select its device; default where there are several devices
//   SIMT_DEADLOCK=ms     a program whose streams block each other for so long says so and ends

#include <cstdint>
#include <string>

namespace eightfold::simt {

// What holds where the environment says nothing.
inline constexpr int kDefaultHostThreads = 1;
inline constexpr int kDefaultQueues = 2;
inline constexpr bool kDefaultLazy = true;
inline constexpr bool kDefaultPageable = false;

// As many as CUDA_DEVICE_MAX_CONNECTIONS allows.
inline constexpr int kMostQueues = 32;

struct Settings {
  std::uint64_t seed = 0;
  bool is_seed_given = false;
  double delay_probability = 0;
  std::uint64_t max_delay_us = 0;
  int devices = 1;
  std::string kernels_directory;           // empty: nobody asks
  int host_threads = kDefaultHostThreads;  // 0: host functions run on their stream's thread
  int queues = kDefaultQueues;             // of a device; 0: one for each stream
  bool is_lazy = kDefaultLazy;
  bool is_pageable_locking = kDefaultPageable;
  bool is_device_strict = false;
  int deadlock_ms = 0;  // 0: nobody looks
};

const Settings& settings();

// A small generator (SplitMix64). Streams own one each, so that what they do does not depend on each other.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  // In [0, limit).
  std::uint64_t below(std::uint64_t limit) noexcept { return next() % limit; }
  // In [0, 1).
  double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace eightfold::simt
