#pragma once

// The memory in which the segments of one shard travel: a ring of messages, segment k in slot k modulo their
// number. A message has a device side, where codecs read and write, and a wire side, which the transport
// sees. On the host, and with the transport direct, both are the same bytes.

#include "comm/transport/transport.hpp"
#include "kernels/buffer.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace eightfold::comm::transport {

// Shared by the lanes of a rank: the streams that copy staged bytes. They are not the codecs' stream, so that
// copying one segment and encoding the next overlap. What is sent next has precedence over computing: a
// message that is late delays every rank.
struct Staging {
  Staging(kernels::Device device, TransportKind transport)
      : kind(transport),
        outbound(device, kernels::Priority::high),
        inbound(device, kernels::Priority::high) {}

  TransportKind kind;
  kernels::Stream outbound;  // from the device
  kernels::Stream inbound;   // to the device
};

class MessageLane {
 public:
  // Messages of up to `bytes`. `staging` outlives this.
  MessageLane(Staging& staging, std::size_t bytes, std::size_t slots);
  MessageLane(const MessageLane&) = delete;  // the transport counts in it
  MessageLane& operator=(const MessageLane&) = delete;

  std::int64_t slots() const noexcept { return static_cast<std::int64_t>(slots_.size()); }
  std::span<std::byte> device_side(std::int64_t segment, std::size_t bytes) const;
  std::span<std::byte> wire_side(std::int64_t segment, std::size_t bytes) const;

  // Copies the device side to the wire side, behind the work enqueued on `stream` so far, which writes it.
  void leave(std::int64_t segment, std::size_t bytes, kernels::StreamView stream);
  // Copies the wire side to the device side, before the work enqueued on `stream` from now on, which reads
  // it.
  void arrive(std::int64_t segment, std::size_t bytes, kernels::StreamView stream);
  // The work enqueued on `stream` so far is the last that uses the message.
  void release(std::int64_t segment, kernels::StreamView stream);

  // The transport's count of the slot's messages.
  int& under_way(std::int64_t segment) { return slot(segment).under_way; }
  int under_way(std::int64_t segment) const { return slot(segment).under_way; }
  // True if the device has done what the last of leave(), arrive() and release() enqueued.
  bool is_moved(std::int64_t segment) const { return slot(segment).moved.is_reached(); }
  bool is_idle(std::int64_t segment) const {
    return slot(segment).under_way == 0 && slot(segment).moved.is_reached();
  }
  // True if no message is under way.
  bool is_quiet() const;

 private:
  struct Slot {
    explicit Slot(kernels::Device device) : moved(device) {}
    kernels::Event moved;
    int under_way = 0;
  };

  bool is_staged() const { return pinned_.size() > 0; }
  Slot& slot(std::int64_t segment) { return slots_[static_cast<std::size_t>(segment % slots())]; }
  const Slot& slot(std::int64_t segment) const { return slots_[static_cast<std::size_t>(segment % slots())]; }
  std::size_t offset(std::int64_t segment) const {
    return static_cast<std::size_t>(segment % slots()) * stride_;
  }

  Staging& staging_;
  std::size_t stride_;
  kernels::Buffer<std::uint8_t> memory_;
  kernels::PinnedBuffer<std::uint8_t> pinned_;  // the wire's side of a staged device
  std::vector<Slot> slots_;
};

}  // namespace eightfold::comm::transport
