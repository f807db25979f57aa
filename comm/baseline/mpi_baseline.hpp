#pragma once

#include "comm/baseline/baseline.hpp"

namespace eightfold::comm::baseline {

// Open MPI's numbers for its allreduce algorithms; 0 lets it choose. 1 basic linear, 2 nonoverlapping, 3
// recursive doubling, 4 ring, 5 segmented ring, 6 Rabenseifner.
inline constexpr int kMpiAlgorithms = 6;

std::string mpi_unsupported_reason(int algorithm);
std::unique_ptr<Baseline> make_mpi_baseline(int algorithm, mpi::Communicator& communicator,
                                            std::span<float> values);

}  // namespace eightfold::comm::baseline
