#include "kernels/cuda/parallel.hpp"
#include "kernels/float16.hpp"
#include "kernels/operations.hpp"

namespace eightfold::kernels::cuda {

// Bitwise reproducible and with the bits of the host: both run the integer arithmetic of kernels/float16.hpp.
void cast(StreamView stream, ConstTensor from, Tensor to) {
  with_cast(from, to, [&](const auto& functor) { for_each_element(stream, to.elements(), functor); });
}

}  // namespace eightfold::kernels::cuda
