#pragma once

// The facts that a job takes from its training samples before the first step. They belong to the network as
// its weights do. The network's input depends on mean and deviation, and the counts say which samples it was
// trained on.

#include "runtime/data/source.hpp"
#include "runtime/data/statistics.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace eightfold::runtime::data {

struct TrainingFacts {
  SampleShape shape;
  std::int64_t samples = 0;
  std::int64_t classes = 0;
  ByteStatistics bytes;
  std::string fingerprint;
};

// Reads every sample. Requires: the source is not empty.
TrainingFacts training_facts(const Source& train);

// The difference between the samples of the two, in words: "samples: checkpoint 800, job 900". Empty: they
// are the same, in any file.
std::vector<std::string> differences(const TrainingFacts& checkpoint, const TrainingFacts& job);

}  // namespace eightfold::runtime::data
