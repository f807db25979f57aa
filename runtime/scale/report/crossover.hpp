#pragma once

// Compares codecs of fewer bits than bf16 with bf16 by the time of a step, by number of nodes. A difference
// counts if the ranges of the repeats do not overlap.

#include "runtime/scale/report/summary.hpp"

#include <string>
#include <vector>

namespace eightfold::runtime::scale::report {

// True if it was measured and its ranks send gradients to each other.
bool exchanges(const PointSummary& summary);
// True if this is a codec with fewer bits than bf16.
bool compresses(const std::string& codec);

// The ratio of the second one's step time to the first one's. Both were measured.
double times_as_fast(const PointSummary& summary, const PointSummary& other);

// The fastest point of a group that exchanges with this codec on so many nodes, whatever its algorithm;
// null if none was measured.
const PointSummary* fastest(const PointGroup& group, int nodes, const std::string& codec);

struct Crossover {
  std::string codec;
  std::vector<int> pays = {}, does_not_pay = {};  // numbers of nodes
  std::string words = {};                         // a sentence
};

// One for every codec that compresses.
std::vector<Crossover> crossovers(const PointGroup& group);

}  // namespace eightfold::runtime::scale::report
