#include "kernels/host/parallel.hpp"
#include "kernels/operations.hpp"
#include "kernels/optimizer_functors.hpp"

namespace eightfold::kernels::host {

void optimizer_step(StreamView stream, const OptimizerStep& step, const OptimizerOperands& operands) {
  const auto run = [&](const auto& functor) { for_each_element(stream, operands.w.elements(), functor); };
  std::visit([&](const auto& each) { with_functor(each, OptimizerMemory(operands), run); }, step);
}

}  // namespace eightfold::kernels::host
