#pragma once

// The speed of encoding and decoding in each format, for calibrations and profiles.

#include "comm/measure/calibration.hpp"
#include "comm/mpi/communicator.hpp"
#include "kernels/stream.hpp"

#include <vector>

namespace eightfold::launch::bench {

// On this rank, of values of N(0, 1): medians of the repeats.
std::vector<comm::measure::CodecSpeed> codec_speeds(kernels::StreamView stream, int repeats);
// On the slowest rank while all ranks measure: the same on every rank. Before there is an engine. Collective.
std::vector<comm::measure::CodecSpeed> slowest_codec_speeds(comm::mpi::Communicator& world,
                                                            const kernels::Device& device, int repeats);

}  // namespace eightfold::launch::bench
