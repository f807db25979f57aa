#pragma once

#include "comm/baseline/baseline.hpp"

namespace eightfold::comm::baseline {

enum class GlooAlgorithm { ring, halving_doubling };

std::string gloo_unsupported_reason();
std::unique_ptr<Baseline> make_gloo_baseline(GlooAlgorithm algorithm, mpi::Communicator& communicator,
                                             std::span<float> values);

}  // namespace eightfold::comm::baseline
