#pragma once

// Owners of memory. A Buffer is memory of a device. A PinnedBuffer is host memory that the device copies to
// and from by itself (page-locked if the device is a GPU). Both are zeroed, aligned to 64 bytes at least, and
// made when a model is planned: a training step allocates nothing.

#include "kernels/device.hpp"
#include "kernels/stream.hpp"
#include "kernels/tensor.hpp"

#include <cstddef>
#include <span>
#include <utility>

namespace eightfold::kernels {

enum class MemoryKind { device, pinned };

// Untyped memory: what Buffer and PinnedBuffer share.
class Memory {
 public:
  Memory() = default;
  Memory(Device device, MemoryKind kind, std::size_t bytes);
  ~Memory();
  Memory(Memory&& other) noexcept { swap(other); }
  Memory& operator=(Memory&& other) noexcept {
    swap(other);
    return *this;
  }
  Memory(const Memory&) = delete;  // copying cannot name a stream

  void* data() const noexcept { return data_; }
  std::size_t bytes() const noexcept { return bytes_; }
  Device device() const noexcept { return device_; }

 private:
  void swap(Memory& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(kind_, other.kind_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
  }

  Device device_;
  MemoryKind kind_ = MemoryKind::device;
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

// `count` elements in the memory of a device.
template <class Value>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Device device, std::size_t count)
      : memory_(device, MemoryKind::device, count * sizeof(Value)), count_(count) {}

  Value* data() const noexcept { return static_cast<Value*>(memory_.data()); }
  std::size_t size() const noexcept { return count_; }
  Device device() const noexcept { return memory_.device(); }

  // The first elements under a shape, starting at `first`.
  Tensor tensor(const Shape& shape, std::size_t first = 0) const {
    base::require(first + static_cast<std::size_t>(shape.elements()) <= count_,
                  "{} at {} exceeds a buffer of {}", to_string(shape), first, count_);
    return {data() + first, shape, kDTypeOf<Value>, memory_.device()};
  }
  Tensor tensor() const { return tensor(Shape{static_cast<std::int64_t>(count_)}); }

 private:
  Memory memory_;
  std::size_t count_ = 0;
};

// `count` elements of host memory for copies to and from `device`.
template <class Value>
class PinnedBuffer {
 public:
  PinnedBuffer() = default;
  PinnedBuffer(Device device, std::size_t count)
      : memory_(device, MemoryKind::pinned, count * sizeof(Value)), count_(count) {}

  Value* data() const noexcept { return static_cast<Value*>(memory_.data()); }
  std::size_t size() const noexcept { return count_; }
  std::span<Value> span() const noexcept { return {data(), count_}; }
  Tensor tensor(const Shape& shape) const {
    return host_tensor(span().first(static_cast<std::size_t>(shape.elements())), shape);
  }

 private:
  Memory memory_;
  std::size_t count_ = 0;
};

// Copies equal numbers of equal elements, between any two places of which at most one is not the stream's
// device or pinned memory. Enqueued: source and target must stay untouched until the stream has passed it.
void copy(StreamView stream, ConstTensor from, Tensor to);

}  // namespace eightfold::kernels
