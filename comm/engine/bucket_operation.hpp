#pragma once

// One bucket's way through the engine: what an exchange starts once a step, and the engine moves on until it
// is over. Everything about an operation is planned when it is made; a step allocates nothing.

#include "comm/mpi/communicator.hpp"
#include "kernels/base/flight_record.hpp"
#include "kernels/stream.hpp"

#include <cstddef>
#include <cstdint>

namespace eightfold::comm::engine {

enum class Progress {
  none,  // nothing to do before the network or the device have gone on
  some,
  over,
};

class BucketOperation {
 public:
  virtual ~BucketOperation() = default;

  // True if several may be under way at once. One that blocks may not: its order would be a rank's own.
  virtual bool shares_engine() const = 0;
  // The bucket is complete. On the engine's thread, and so is the rest.
  virtual void begin(std::int64_t step) = 0;
  // Does what can be done without waiting. After Progress::over the bucket holds the sum.
  virtual Progress advance(mpi::Communicator& communicator) = 0;
  // The mark behind the sum, once all of this step's work is enqueued on the device; null before. It is
  // recorded: a stream may wait for it while the operation is not over yet.
  virtual const kernels::Event* summed() const = 0;

  // The message that it cannot go on without, if it is one; of several the first that the schedule has.
  virtual base::Wait waits_for() const { return {}; }

  // Bytes that this rank sends per step, by the algorithm's formula.
  virtual std::size_t wire_bytes() const = 0;
};

}  // namespace eightfold::comm::engine
