#include "comm/transport/message_lane.hpp"

#include <algorithm>

namespace eightfold::comm::transport {
namespace {

constexpr std::size_t kAlignment = 64;  // of every message: what codecs like best

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

kernels::Tensor tensor(std::span<std::byte> bytes, kernels::Device device) {
  return {bytes.data(), kernels::Shape{static_cast<std::int64_t>(bytes.size())}, kernels::DType::u8, device};
}

}  // namespace

MessageLane::MessageLane(Staging& staging, std::size_t bytes, std::size_t slots)
    : staging_(staging),
      stride_(aligned(bytes)),
      memory_(staging.outbound.view().device(), stride_ * slots),
      pinned_(memory_.device(),
              staging.kind == TransportKind::staged && memory_.device().kind != kernels::DeviceKind::host
                  ? stride_ * slots
                  : 0) {
  for (std::size_t i = 0; i < slots; ++i) slots_.emplace_back(memory_.device());
}

std::span<std::byte> MessageLane::device_side(std::int64_t segment, std::size_t bytes) const {
  return {reinterpret_cast<std::byte*>(memory_.data()) + offset(segment), bytes};
}

std::span<std::byte> MessageLane::wire_side(std::int64_t segment, std::size_t bytes) const {
  if (!is_staged()) return device_side(segment, bytes);
  return {reinterpret_cast<std::byte*>(pinned_.data()) + offset(segment), bytes};
}

// One event serves twice: it stands for the encoding until the copy waits for it, then for the copy. A wait
// keeps to the record that it has seen.
void MessageLane::leave(std::int64_t segment, std::size_t bytes, kernels::StreamView stream) {
  kernels::Event& moved = slot(segment).moved;
  moved.record(stream);
  if (!is_staged()) return;
  moved.wait(staging_.outbound);
  copy(staging_.outbound, tensor(device_side(segment, bytes), memory_.device()),
       tensor(wire_side(segment, bytes), kernels::Device{}));
  moved.record(staging_.outbound);
}

// The device side is free: no receive is posted before is_idle(), which includes release() by the last
// reader.
void MessageLane::arrive(std::int64_t segment, std::size_t bytes, kernels::StreamView stream) {
  if (!is_staged()) return;
  kernels::Event& moved = slot(segment).moved;
  copy(staging_.inbound, tensor(wire_side(segment, bytes), kernels::Device{}),
       tensor(device_side(segment, bytes), memory_.device()));
  moved.record(staging_.inbound);
  moved.wait(stream);
}

void MessageLane::release(std::int64_t segment, kernels::StreamView stream) {
  slot(segment).moved.record(stream);
}

bool MessageLane::is_quiet() const {
  return std::ranges::all_of(slots_, [](const Slot& slot) { return slot.under_way == 0; });
}

}  // namespace eightfold::comm::transport
