#pragma once

// Describes a data set. It has byte statistics, from which the input of a network is normalised, a
// fingerprint, and a page of text for people (`eightfold data info`).

#include "runtime/data/source.hpp"

#include <string>
#include <vector>

namespace eightfold::runtime::data {

// Mean and standard deviation of the bytes of each channel. They are taken over all samples of the source, or
// over 10,000 evenly spread ones of a larger source. The sums are exact, so that every machine gets the same
// numbers.
struct ByteStatistics {
  std::vector<double> mean;
  std::vector<double> deviation;
};
// Requires: the source is not empty.
ByteStatistics byte_statistics(const Source& source);

// value = scale[c] byte + shift[c], per channel c: what kernels::bytes_to_float takes. The training samples
// get mean 0 and standard deviation 1; a channel of a single value becomes 0.
struct Normalization {
  std::vector<float> scale;
  std::vector<float> shift;
};
Normalization normalization(const ByteStatistics& train);

// Identifies the samples, in their order, with their labels, in any file. It has 32 hexadecimal digits: the
// XXH3-128 of height, width and channels (64 bits each), then of each sample's bytes and label (32 bits). All
// integers are little-endian. Reads every sample, at memory's speed.
std::string fingerprint(const Source& source);

// Samples per class.
std::vector<std::int64_t> class_histogram(const Source& source);

// For both parts: samples, shape, byte statistics, fingerprint and class histogram. Several lines, each
// ending in a newline.
std::string describe(const Split& split);

}  // namespace eightfold::runtime::data
