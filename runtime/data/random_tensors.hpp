#pragma once

// Who draws which random numbers in this folder (kernels::RandomKey::tensor). Layers count their tensors from
// 0; these come from the far end.

#include <cstdint>

namespace eightfold::runtime::data {

enum RandomTensor : std::uint32_t {
  sample_order = 0xFFFF'0000,
  digit_labels_train,
  digit_labels_test,
  digit_strokes_train,
  digit_strokes_test,
};

}  // namespace eightfold::runtime::data
