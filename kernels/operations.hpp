#pragma once

// Every operation that has a host and a CUDA implementation, with its twins declared (kernels/backend.hpp).
// An implementation file includes this header and defines host::name or cuda::name.

#include "kernels/backend.hpp"
#include "kernels/cast.hpp"
#include "kernels/convolution.hpp"
#include "kernels/elementwise.hpp"
#include "kernels/linear.hpp"
#include "kernels/loss.hpp"
#include "kernels/normalization.hpp"
#include "kernels/optimizer.hpp"
#include "kernels/pooling.hpp"
#include "kernels/reduce.hpp"

namespace eightfold::kernels {

EIGHTFOLD_TWINS(fill)
EIGHTFOLD_TWINS(add_scaled)
EIGHTFOLD_TWINS(bytes_to_float)
EIGHTFOLD_TWINS(pointwise_forward)
EIGHTFOLD_TWINS(pointwise_backward)
EIGHTFOLD_TWINS(dropout)
EIGHTFOLD_TWINS(plan_linear)
EIGHTFOLD_TWINS(plan_convolution)
EIGHTFOLD_TWINS(plan_pooling)
EIGHTFOLD_TWINS(local_response_forward)
EIGHTFOLD_TWINS(local_response_backward)
EIGHTFOLD_TWINS(softmax_cross_entropy)
EIGHTFOLD_TWINS(sum_of_squares)
EIGHTFOLD_TWINS(clip_scale)
EIGHTFOLD_TWINS(optimizer_step)
EIGHTFOLD_TWINS(cast)

}  // namespace eightfold::kernels
