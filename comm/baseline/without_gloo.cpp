// Takes the place of gloo_baseline.cpp where the build found no libgloo.
#include "comm/baseline/gloo_baseline.hpp"
#include "kernels/base/error.hpp"

namespace eightfold::comm::baseline {

std::string gloo_unsupported_reason() {
  return "this eightfold was built without gloo: install libgloo-dev and build it again";
}

std::unique_ptr<Baseline> make_gloo_baseline(GlooAlgorithm, mpi::Communicator&, std::span<float>) {
  base::raise<base::EnvironmentError>("{}", gloo_unsupported_reason());
}

}  // namespace eightfold::comm::baseline
