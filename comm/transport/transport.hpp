#pragma once

// Moves the bytes of messages between two ranks, without blocking. Messages of one sender, receiver and tag
// arrive in the order in which they were sent, and match the receives in the order of those.
//
// Belongs to the thread that calls MPI (comm/engine/engine.hpp).

#include "comm/mpi/communicator.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

namespace eightfold::comm::transport {

// The memory that the transport sees. For ranks on the host both are the same.
enum class TransportKind {
  staged,  // pinned memory of the host, from and to which a device's bytes are copied
  direct,  // a device's own memory: GPUDirect RDMA or CUDA IPC, by an MPI that knows the device
};
std::string_view to_string(TransportKind kind);

class Transport {
 public:
  virtual ~Transport() = default;

  // Until the message is complete, nobody touches the bytes and `under_way` stays in place. The call counts
  // the message in `under_way`; the poll() that finds it complete counts it out. At most 2 GiB; tags from 0
  // on.
  virtual void send(std::span<const std::byte> bytes, int peer, int tag, int& under_way) = 0;
  virtual void receive(std::span<std::byte> bytes, int peer, int tag, int& under_way) = 0;
  // Moves all messages on. Throws MpiError if one failed, DataError if one has not the expected length.
  virtual void poll() = 0;
};

// Over the messages of `communicator`, which outlives this; nobody else sends between two ranks of it.
std::unique_ptr<Transport> make_mpi_transport(mpi::Communicator& communicator);
// The same between the same ranks, apart from all other messages. Collective.
std::unique_ptr<Transport> make_separate_mpi_transport(mpi::Communicator& communicator);

}  // namespace eightfold::comm::transport
