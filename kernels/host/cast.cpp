#include "kernels/float16.hpp"
#include "kernels/host/parallel.hpp"
#include "kernels/operations.hpp"

namespace eightfold::kernels::host {

void cast(StreamView stream, ConstTensor from, Tensor to) {
  with_cast(from, to, [&](const auto& functor) { for_each_element(stream, to.elements(), functor); });
}

}  // namespace eightfold::kernels::host
