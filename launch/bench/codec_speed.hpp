#pragma once

// How fast each format is encoded and decoded on this rank, for the calibration.

#include "comm/measure/calibration.hpp"
#include "kernels/stream.hpp"

#include <vector>

namespace eightfold::launch::bench {

// All formats on N(0, 1), medians of so many repeats.
std::vector<comm::measure::CodecSpeed> codec_speeds(kernels::StreamView stream, int repeats);

}  // namespace eightfold::launch::bench
