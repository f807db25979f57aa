#pragma once

// The gradient exchange as the worker sees it: buckets go in as the backward pass completes them, and come
// back as sums over the ranks. A bucket is a span of the gradient arena, summed in place; nothing is copied
// to form it.
//
// Protocol of a step, the same on every rank: submit every bucket once, always in the same order; wait.
// Between a bucket's submit and the wait nobody else touches it. Events order the exchange against the
// streams (docs/streams.md).

#include "comm/engine.hpp"
#include "kernels/base/observer.hpp"
#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace eightfold::comm {

class Exchange {
 public:
  virtual ~Exchange() = default;

  // What is enqueued on `producer` so far completes bucket `bucket`. Returns at once, unless the device is
  // several steps behind. Throws what the engine failed with, if it has.
  virtual void submit(std::size_t bucket, kernels::StreamView producer) = 0;
  // What is enqueued on `consumer` from now on sees the sums of all submitted buckets, the same bits on every
  // rank. Blocks the calling thread only if `consumer` is the host's. Throws as submit() does.
  virtual void wait(kernels::StreamView consumer) = 0;

  // Encoded bytes that this rank sends per step, by the algorithm's formula.
  virtual std::size_t wire_bytes() const = 0;
};

// The baseline: MPI_Allreduce in fp32, one per bucket, on the engine's thread. Buckets are fp32, all on one
// device; those of a GPU pass through pinned memory, so that MPI never sees a device's pointer. Spans
// "exchange" are reported with the bucket's number. `engine` and the observer (may be null) outlive the
// exchange.
std::unique_ptr<Exchange> make_mpi_exchange(Engine& engine, std::vector<kernels::Tensor> buckets,
                                            base::Observer* observer);

}  // namespace eightfold::comm
