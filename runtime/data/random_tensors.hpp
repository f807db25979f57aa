#pragma once

// The random numbers of this folder (kernels::RandomKey::tensor), by their use.

#include "kernels/random_ranges.hpp"

#include <cstdint>

namespace eightfold::runtime::data {

enum RandomTensor : std::uint32_t {
  sample_order = kernels::RandomRange::kData,
  digit_labels_train,
  digit_labels_test,
  digit_strokes_train,
  digit_strokes_test,
};

}  // namespace eightfold::runtime::data
