#pragma once

// The exchange: collectives over the ranks of a communicator, in any of the formats of quant8/. Whoever has
// data submits a request that names it, and gets a ticket. The engine's thread moves the requests on.
//
// Every rank submits the same requests in the same order; what must be equal is said at Request. Events order
// the exchange against the streams (docs/streams.md). The thread that submits also waits.

#include "comm/engine/engine.hpp"
#include "comm/measure/calibration.hpp"
#include "comm/schedules/schedule.hpp"
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

namespace eightfold::comm {

// Of the collectives that add up. The mean is the sum times the fp32 number nearest to 1 / N. The owner of a
// shard multiplies, in fp32, before the sum is encoded.
enum class Reduction { sum, mean };

// Tensors are of the exchange's device, fp32, and stay in place until the request has been waited for. In
// between only the exchange touches them.
struct Request {
  schedules::Collective collective = schedules::Collective::all_reduce;
  kernels::ConstTensor input = {};  // what this rank has; of as many elements on every rank
  // What it has then, as many; may be the input. Elements that a collective does not give to this rank are
  // undefined: those of other owners after reduce_scatter and scatter, all but the root's after gather.
  kernels::Tensor output = {};
  kernels::Tensor residual = {};  // error feedback's, as many; absent: none
  Reduction reduction = Reduction::sum;
  int root = 0;  // of broadcast, scatter and gather
  // Names the data in records, messages and random numbers. The memory of a request is planned by the first
  // one of its bucket and collective, and used again by the later ones as long as they have the same size
  // and root.
  std::size_t bucket = 0;
  std::int64_t step = 0;
};

class Exchange {
 public:
  // Counts the requests of an exchange from 1 on.
  using Ticket = std::uint64_t;

  virtual ~Exchange() = default;

  // Makes what the request needs, so that submitting it allocates nothing.
  virtual void plan(const Request& request) = 0;
  // Work enqueued on `producer` so far completes the input. Returns at once. Throws what the engine failed
  // with, if it has.
  virtual Ticket submit(const Request& request, kernels::StreamView producer) = 0;
  // Work enqueued on `consumer` from now on sees the output. Blocks the calling thread until the engine has
  // enqueued the last of the request's work, which takes the network's time; then it is `consumer` that
  // waits. Once for every ticket. Throws as submit() does.
  virtual void wait(Ticket ticket, kernels::StreamView consumer) = 0;

  // The part of so many elements that rank `rank` owns: what reduce_scatter and scatter give it.
  virtual schedules::Shard shard(std::int64_t elements, int rank) const = 0;
  // Encoded bytes that this rank sends for such a request, by the algorithm's formula.
  virtual std::size_t wire_bytes(const Request& request) = 0;
  // How often wait() has blocked the calling thread so far.
  virtual std::uint64_t ticket_waits() const = 0;
};

// The same on every rank, but for its pointers.
struct ExchangeOptions {
  quant8::Encoding encoding = {};
  quant8::Rounding rounding = quant8::Rounding::nearest;
  std::uint64_t seed = 0;  // of stochastic rounding
  // Of all_reduce: a generator's name (comm/schedules/generators.hpp), "mpi": MPI_Allreduce, in fp32, or
  // "auto": select_algorithm()'s choice for each bucket, which is logged.
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

// Among the ranks of `group`, which from now on belongs to the engine's thread. A group of one rank copies
// input to output and nothing else. `engine` was made for `device`. Spans (comm/engine/spans.hpp) are
// reported to the observer, if there is one. `engine`, `group` and it outlive the exchange. Throws
// ConfigError for an unknown algorithm, or one that cannot go with the format. Collective over the group; not
// while the engine's other work is under way.
//
// Several exchanges may share an engine, also of different groups. Then two ranks that are in more than one
// group together submit the requests of these groups in the same order.
std::unique_ptr<Exchange> make_exchange(engine::Engine& engine, mpi::Communicator& group,
                                        kernels::Device device, const ExchangeOptions& options,
                                        base::Observer* observer);
// Among all ranks of the engine.
std::unique_ptr<Exchange> make_exchange(engine::Engine& engine, kernels::Device device,
                                        const ExchangeOptions& options, base::Observer* observer);

}  // namespace eightfold::comm
