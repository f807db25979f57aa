#pragma once

// Casts between fp32, bf16 and fp16, to nearest, ties to even; NaN stays NaN, overflow becomes infinity and
// subnormals are kept.

#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

namespace eightfold::kernels {

// Any pair of the three types, equal ones included. Equal sizes; not in place unless the types are equal.
void cast(StreamView stream, ConstTensor from, Tensor to);

}  // namespace eightfold::kernels
