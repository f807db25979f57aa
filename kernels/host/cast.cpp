#include "kernels/float16.hpp"
#include "kernels/host/parallel.hpp"
#include "kernels/operations.hpp"

namespace eightfold::kernels::host {
namespace {

// Calls body with a null pointer to the floating type that `dtype` names.
template <class Body>
void with_float_type(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::f32:
      return body(static_cast<float*>(nullptr));
    case DType::bf16:
      return body(static_cast<BFloat16*>(nullptr));
    case DType::f16:
      return body(static_cast<Float16*>(nullptr));
    default:
      base::raise<base::InternalError>("cast: {} is not one of F32, BF16, F16", to_string(dtype));
  }
}

}  // namespace

void cast(StreamView stream, ConstTensor from, Tensor to) {
  base::require(from.elements() == to.elements(), "cast: {} to {}", to_string(from.shape()),
                to_string(to.shape()));
  with_float_type(from.dtype(), [&]<class From>(From*) {
    with_float_type(to.dtype(), [&]<class To>(To*) {
      for_each_element(stream, to.elements(), Cast<From, To>{from.as<From>(), to.as<To>()});
    });
  });
}

}  // namespace eightfold::kernels::host
