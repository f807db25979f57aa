#pragma once

// What many measured times come to. A collective is as slow as its slowest rank, and what counts over repeats
// is their median: the least and the largest are luck.

#include "comm/communicator.hpp"

#include <span>
#include <vector>

namespace eightfold::comm {

// The middle one, or the mean of the two in the middle; at least one value.
double median(std::vector<double> values);

// Each repeat's time on its slowest rank. Every rank has measured as many. Collective.
std::vector<double> slowest_of_ranks(Communicator& communicator, std::span<const double> times_s);

}  // namespace eightfold::comm
