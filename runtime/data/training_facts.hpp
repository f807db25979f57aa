#pragma once

// What a job has learnt from its training samples before the first step. It belongs to the network as its
// weights do: what the network sees depends on mean and deviation, and the counts say which samples it knows.

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

// Where the samples of one are not those of the other, in words: "samples: checkpoint 800, job 900". Empty:
// they are the same, whatever holds them.
std::vector<std::string> differences(const TrainingFacts& checkpoint, const TrainingFacts& job);

}  // namespace eightfold::runtime::data
