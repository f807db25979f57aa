#include "comm/engine/mpi_operation.hpp"

#include <utility>

namespace eightfold::comm::engine {

MpiOperation::MpiOperation(kernels::Tensor values, kernels::StreamView stream, int ranks)
    : values_(values),
      stream_(stream),
      ranks_(static_cast<std::size_t>(ranks)),
      pinned_(values.device(), values.device().kind == kernels::DeviceKind::host
                                   ? 0
                                   : static_cast<std::size_t>(values.elements())),
      copied_(values.device()) {}

void MpiOperation::begin(std::int64_t) {
  is_summed_ = false;
  if (!is_staged()) return;
  copy(stream_, values_, host_side());
  copied_.record(stream_);
}

// copied_ is waited for twice: before the sum it stands for the copy to the host, after it for the copy back.
Progress MpiOperation::advance(mpi::Communicator& communicator) {
  if (!copied_.is_reached()) return Progress::none;
  if (is_summed_) return Progress::over;
  communicator.sum(host_side().span<float>());
  is_summed_ = true;
  if (!is_staged()) return Progress::over;
  copy(stream_, host_side(), values_);
  copied_.record(stream_);
  return Progress::some;
}

std::size_t MpiOperation::wire_bytes() const {
  return 2 * (ranks_ - 1) * values_.bytes() / ranks_;
}

}  // namespace eightfold::comm::engine
