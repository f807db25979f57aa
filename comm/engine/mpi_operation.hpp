#pragma once

// The baseline: a bucket summed by MPI_Allreduce in fp32. A device's bucket passes through pinned memory, so
// that MPI never sees a device's pointer.

#include "comm/engine/bucket_operation.hpp"
#include "kernels/buffer.hpp"

namespace eightfold::comm::engine {

class MpiOperation final : public BucketOperation {
 public:
  // Sums `elements`. `stream` is one of their device, for the copies.
  MpiOperation(std::int64_t elements, kernels::StreamView stream, int ranks);

  bool shares_engine() const override { return false; }
  void begin(const BucketRun& run) override;
  Progress advance(mpi::Communicator& communicator) override;
  const kernels::Event* result() const override { return is_summed_ ? &copied_ : nullptr; }
  // Rabenseifner's bound for an allreduce: 2 (N - 1) / N of the data.
  std::size_t wire_bytes() const override;

 private:
  bool is_staged() const { return pinned_.size() > 0; }
  kernels::Tensor host_side() const {
    return is_staged() ? pinned_.tensor(run_.output.shape()) : run_.output;
  }

  std::int64_t elements_;
  kernels::StreamView stream_;
  std::size_t ranks_;
  kernels::PinnedBuffer<float> pinned_;
  kernels::Event copied_;
  BucketRun run_;
  bool is_summed_ = false;
};

}  // namespace eightfold::comm::engine
