#pragma once

// The stand-in's settings from the environment, read once.
//   SIMT_SEED=n        the order of threads, blocks and delays; without it a new one, printed at the first
//                      kernel
//   SIMT_DELAY=p/us    each operation of a stream sleeps, with probability p, up to so many microseconds
//   SIMT_DEVICES=n     how many devices there are (default 1)
//   SIMT_KERNELS=path  the directory that gets the names of executed kernels

#include <cstdint>
#include <string>

namespace eightfold::simt {

struct Settings {
  std::uint64_t seed = 0;
  bool is_seed_given = false;
  double delay_probability = 0;
  std::uint64_t max_delay_us = 0;
  int devices = 1;
  std::string kernels_directory;  // empty: nobody asks
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
