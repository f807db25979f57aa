#pragma once

// Tests whether MPI may be given a GPU's memory (TransportKind::direct). A library that claims it has to
// prove it before a job depends on it. Libraries have claimed it and crashed, sent garbage or never answered;
// others could do it and did not claim it.
//
// The probe sends a few bytes and several MiB from GPU memory to GPU memory and compares what arrives.
// Messages go around three kinds of rings: ranks that share a GPU, GPUs of a node, and ranks with the same
// place on each node. Every rank learns the same verdict.

#include "comm/mpi/communicator.hpp"
#include "comm/transport/transport.hpp"
#include "kernels/device.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace eightfold::comm::transport {

// The MPI library's claim: MPIX_Query_cuda_support() where mpi-ext.h has it.
struct CudaClaim {
  bool is_made = false;
  std::string evidence;
};
CudaClaim cuda_claim();

struct DirectProbe {
  CudaClaim claim = cuda_claim();
  // Messages that take longer count as lost.
  std::chrono::milliseconds timeout{10'000};
  // The setting that avoids the transport; part of the crash message if the library crashes.
  std::string way_out;
  // Nothing: MPI's messages, on a communicator of their own, so that one that comes late meets nobody else's.
  std::function<std::unique_ptr<Transport>(mpi::Communicator&)> make_transport = {};
};

struct TransportVerdict {
  TransportKind kind = TransportKind::staged;
  std::string reason;  // what was seen, for the log
  // What MPI may still read and write because messages stayed out, else null. It has to outlive MPI.
  std::shared_ptr<void> pending = {};
};

// Leaves what is pending to the end of the process, which MPI does not outlive.
void leave_pending(TransportVerdict& verdict);

// direct if the library claims it and every message arrived as it was sent, or if there is nobody to send to;
// else staged. Each rank gives a GPU of its own or one that it shares. On the thread that calls MPI.
// Collective.
TransportVerdict probe_direct(mpi::Communicator& communicator, kernels::Device device,
                              const DirectProbe& probe);

}  // namespace eightfold::comm::transport
