#include "comm/engine/mpi_operation.hpp"

#include <span>

namespace eightfold::comm::engine {

MpiOperation::MpiOperation(std::int64_t elements, kernels::StreamView stream, int ranks)
    : elements_(elements),
      stream_(stream),
      ranks_(static_cast<std::size_t>(ranks)),
      pinned_(stream.device(),
              stream.device().kind == kernels::DeviceKind::host ? 0 : static_cast<std::size_t>(elements)),
      copied_(stream.device()) {}

void MpiOperation::begin(const BucketRun& run) {
  run_ = run;
  is_summed_ = false;
  if (run_.input.data() != host_side().data()) copy(stream_, run_.input, host_side());
  copied_.record(stream_);
}

Progress MpiOperation::advance(mpi::Communicator& communicator) {
  if (!copied_.is_reached()) return Progress::none;
  if (is_summed_) return Progress::over;
  const std::span<float> values = host_side().span<float>();
  communicator.sum(values);
  if (run_.factor != 1)
    for (float& value : values) value *= run_.factor;
  is_summed_ = true;
  if (!is_staged()) return Progress::over;
  copy(stream_, host_side(), run_.output);
  copied_.record(stream_);
  return Progress::some;
}

std::size_t MpiOperation::wire_bytes() const {
  return 2 * (ranks_ - 1) * static_cast<std::size_t>(elements_) * sizeof(float) / ranks_;
}

}  // namespace eightfold::comm::engine
