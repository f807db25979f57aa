#pragma once

// One number per rank becomes one for all: the same on every rank. Collective; with the engine running.

#include "comm/engine/engine.hpp"

namespace eightfold::launch::bench {

// A step is as slow as its slowest rank.
double largest_of_ranks(comm::engine::Engine& engine, double mine);
double mean_of_ranks(comm::engine::Engine& engine, double mine);

}  // namespace eightfold::launch::bench
