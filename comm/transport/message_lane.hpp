#pragma once

// The memory in which the segments of one shard travel: a ring of messages, segment k in slot k modulo their
// number. A message has a side of the device, where codecs read and write, and a side of the wire, which the
// transport sees; on the host, and for a direct transport, they are the same bytes.

#include "comm/transport/transport.hpp"
#include "kernels/buffer.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace eightfold::comm::transport {

// What the lanes of a rank share: the streams on which staged bytes move, apart from the codecs' own, so that
// copying one segment and encoding the next overlap.
struct Staging {
  Staging(kernels::Device device, TransportKind transport)
      : kind(transport), outbound(device), inbound(device) {}

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

  // What was enqueued on `stream` so far has written the device's side: it goes to the wire's side.
  void leave(std::int64_t segment, std::size_t bytes, kernels::StreamView stream);
  // What is enqueued on `stream` from now on sees, on the device's side, what arrived on the wire's.
  void arrive(std::int64_t segment, std::size_t bytes, kernels::StreamView stream);
  // What was enqueued on `stream` so far was the last to use the message.
  void release(std::int64_t segment, kernels::StreamView stream);

  // The transport's count of the slot's messages.
  int& under_way(std::int64_t segment) { return slot(segment).under_way; }
  int under_way(std::int64_t segment) const { return slot(segment).under_way; }
  // Whether the device has done what the last of leave(), arrive() and release() enqueued.
  bool is_moved(std::int64_t segment) const { return slot(segment).moved.is_reached(); }
  bool is_idle(std::int64_t segment) const {
    return slot(segment).under_way == 0 && slot(segment).moved.is_reached();
  }
  // Whether no message is under way.
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
