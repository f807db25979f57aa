#include "kernels/cuda/parallel.hpp"
#include "kernels/operations.hpp"
#include "kernels/optimizer_functors.hpp"

// Every kernel here is bitwise reproducible and gives the bits of the host: the functors' divisions and
// square roots are IEEE's on both sides. A factor of the gradient is read by each thread where it lives.

namespace eightfold::kernels::cuda {

void optimizer_step(StreamView stream, const OptimizerStep& step, const OptimizerOperands& operands) {
  const auto run = [&](const auto& functor) { for_each_element(stream, operands.w.elements(), functor); };
  std::visit([&](const auto& each) { with_functor(each, OptimizerMemory(operands), run); }, step);
}

}  // namespace eightfold::kernels::cuda
