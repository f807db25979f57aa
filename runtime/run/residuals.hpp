#pragma once

// The residuals of error feedback between ranks and checkpoints. Each rank has its own, so they pass through
// rank 0, which reads and writes, one at a time.

#include "comm/mpi/communicator.hpp"
#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"
#include "runtime/checkpoint/store.hpp"

#include <span>

namespace eightfold::runtime::run {

// `residual` is this rank's, on the stream's device; absent on all ranks or on none. `passing` is host memory
// for one; `draft` is rank 0's. Collective; errors are agreed.
void save_residuals(comm::mpi::Communicator& communicator, kernels::StreamView stream,
                    kernels::Tensor residual, std::span<float> passing, checkpoint::Draft* draft);

// Fills the residuals from a checkpoint, `found` being rank 0's. On as many ranks as were saved each gets its
// own back. On another number N of ranks, rank r gets the sum of those of ranks r, r + N, r + 2N ... If
// nothing is encoded now, they are dropped with a warning. Collective; errors are agreed.
void restore_residuals(comm::mpi::Communicator& communicator, kernels::StreamView stream,
                       kernels::Tensor residual, const checkpoint::Found& found);

}  // namespace eightfold::runtime::run
