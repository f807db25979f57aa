#pragma once

// One bucket's way through the engine: what an exchange starts once a step, and the engine moves on until it
// is over. All but the addresses of the data is planned when an operation is made; a run allocates nothing.

#include "comm/mpi/communicator.hpp"
#include "kernels/base/flight_record.hpp"
#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

#include <cstddef>
#include <cstdint>

namespace eightfold::comm::engine {

enum class Progress {
  none,  // nothing to do before the network or the device have gone on
  some,
  over,
};

// What one run of an operation works on. Memory of the operation's device; it stays in place until the run is
// over.
struct BucketRun {
  std::int64_t step = 0;            // of the training
  int channel = 0;                  // distinguishes the runs that are under way at once
  kernels::ConstTensor input = {};  // fp32: what this rank has
  kernels::Tensor output = {};      // fp32, as many; may be the input
  kernels::Tensor residual = {};    // error feedback's, as many; absent: none
  float factor = 1;                 // of the sum, in fp32, before it is encoded for the last time
};

class BucketOperation {
 public:
  virtual ~BucketOperation() = default;

  // True if several may be under way at once. One that blocks may not: its order would be a rank's own.
  virtual bool shares_engine() const = 0;
  // The input is complete, and the run before is over. On the engine's thread, and so is the rest.
  virtual void begin(const BucketRun& run) = 0;
  // Does what can be done without waiting. After Progress::over the output holds the result.
  virtual Progress advance(mpi::Communicator& communicator) = 0;
  // The mark behind the result, once all of the run's work is enqueued on the device; null before. It is
  // recorded: a stream may wait for it while the operation is not over yet.
  virtual const kernels::Event* result() const = 0;

  // The message that it cannot go on without, if it is one; of several the first that the schedule has.
  virtual base::Wait waits_for() const { return {}; }

  // Bytes that this rank sends in a run, by the algorithm's formula.
  virtual std::size_t wire_bytes() const = 0;
};

}  // namespace eightfold::comm::engine
