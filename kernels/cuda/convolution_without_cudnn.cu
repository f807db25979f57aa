#include "kernels/operations.hpp"

// Takes the place of convolution.cu in a build without cuDNN.

namespace eightfold::kernels::cuda {

std::unique_ptr<Convolution> plan_convolution(Device device, const ConvolutionShape&) {
  base::raise<base::EnvironmentError>(
      "a convolution on {} needs cuDNN, which this eightfold was built without; install cuDNN 9 and "
      "configure again, or "
      "use --set job.device=host",
      to_string(device));
}

}  // namespace eightfold::kernels::cuda
