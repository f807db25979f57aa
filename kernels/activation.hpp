#pragma once

namespace eightfold::kernels {

// The function that linear and convolution layers apply to their result. NaN passes relu, also where a
// library would turn it into 0: an exploding network has to reach the loss.
enum class Activation { identity, relu };

// The backward pass replaces a parameter's gradient, or adds to it (further micro-batches of a step).
enum class GradientMode { overwrite, accumulate };

}  // namespace eightfold::kernels
