#pragma once

// The gradient exchange as the worker sees it: buckets go in as the backward pass completes them, and come
// back as sums over the ranks. A bucket is a span of the gradient arena, summed in place; nothing is copied
// to form it.
//
// Protocol of a step, the same on every rank: submit every bucket once, always in the same order; wait for
// each, in that order too. Between a bucket's submit and its wait nobody else touches it. Events order the
// exchange against the streams (docs/streams.md).

#include "comm/engine/engine.hpp"
#include "comm/measure/calibration.hpp"
#include "comm/schedules/topology.hpp"
#include "comm/transport/transport.hpp"
#include "kernels/base/observer.hpp"
#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"
#include "quant8/format.hpp"
#include "quant8/rounding.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace eightfold::comm {

class Exchange {
 public:
  virtual ~Exchange() = default;

  // Work enqueued on `producer` so far completes bucket `bucket` of this step. Returns at once, unless the
  // device is several steps behind. Throws what the engine failed with, if it has.
  virtual void submit(std::size_t bucket, std::int64_t step, kernels::StreamView producer) = 0;
  // Work enqueued on `consumer` from now on sees the sum of the next bucket, in the order of submission.
  // Every rank sees the same bits. Blocks the calling thread until the engine has enqueued the last of the
  // bucket's work, which takes the network's time; then it is `consumer` that waits. False if there is none
  // to wait for. Throws as submit() does.
  virtual bool wait_for_next(kernels::StreamView consumer) = 0;
  // The same for all that are left.
  void wait(kernels::StreamView consumer) {
    while (wait_for_next(consumer)) continue;
  }

  // Encoded bytes that this rank sends per step, by the algorithm's formula.
  virtual std::size_t wire_bytes() const = 0;
  // How often wait_for_next() has blocked the calling thread so far.
  virtual std::uint64_t ticket_waits() const { return 0; }
};

struct ExchangeBucket {
  kernels::Tensor values;    // fp32
  kernels::Tensor residual;  // error feedback's, as many; absent: none
};

// The same on every rank, but for its pointers.
struct ExchangeOptions {
  quant8::Encoding encoding = {};
  quant8::Rounding rounding = quant8::Rounding::nearest;
  std::uint64_t seed = 0;  // of stochastic rounding
  // A generator's name (comm/schedules/generators.hpp), "mpi": MPI_Allreduce, in fp32, or "auto": what
  // select_algorithm() says for each bucket, which is logged.
  std::string algorithm = "two_shot";
  std::shared_ptr<const measure::Calibration> calibration = {};  // for "auto"; null: none
  transport::TransportKind transport = transport::TransportKind::staged;
  std::size_t segment_bytes = 0;  // encoded, at most, in one message; 0: default_segment_bytes()
  // Made on the engine's thread; nothing: make_mpi_transport().
  std::function<std::unique_ptr<transport::Transport>(mpi::Communicator&)> make_transport = {};
};

// Host: below Open MPI's eager limit over TCP (64 KiB), beyond which a message waits for a handshake behind
// bulk data. Device: longer, to amortise kernel launches.
std::size_t default_segment_bytes(kernels::Device device);

// The buckets are all on one device. Spans (comm/engine/spans.hpp) are reported to the observer, if there is
// one; `engine` and it outlive the exchange. Throws ConfigError for an unknown algorithm, or one that cannot
// go with the format. Every rank calls it; not while the engine's other work is under way.
std::unique_ptr<Exchange> make_exchange(engine::Engine& engine, std::vector<ExchangeBucket> buckets,
                                        const ExchangeOptions& options, base::Observer* observer);

}  // namespace eightfold::comm
