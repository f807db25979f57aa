#pragma once

#include "comm/baseline/baseline.hpp"

namespace eightfold::comm {

enum class GlooAlgorithm { ring, halving_doubling };

std::string gloo_obstacle();
std::unique_ptr<Baseline> make_gloo_baseline(GlooAlgorithm algorithm, Communicator& communicator,
                                             std::span<float> values);

}  // namespace eightfold::comm
