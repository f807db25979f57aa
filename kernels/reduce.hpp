#pragma once

// Reductions of a whole tensor to a number that stays on the device. The order of additions depends on the
// size alone: equal inputs give equal bits on any number of threads.

#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

namespace eightfold::kernels {

// out[0] = sum of x_i^2, accumulated in f64. x fp32, out [1] f64.
void sum_of_squares(StreamView stream, ConstTensor x, Tensor out);

// scale[0] = min(1, max_norm / sqrt(sum_of_squares[0])): the factor that clips a gradient by its norm. 1 for
// a zero gradient; NaN stays NaN. sum_of_squares [1] f64, scale [1] fp32.
void clip_scale(StreamView stream, ConstTensor sum_of_squares, float max_norm, Tensor scale);

}  // namespace eightfold::kernels
