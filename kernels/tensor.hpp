#pragma once

// Tensors: plain row-major arrays that somebody else owns. Images are channels-last, [batch, height, width,
// channels], on every device (docs/decisions/0001). oneDNN and cuDNN both run this layout at full speed, and
// no operation has a layout of its own.

#include "kernels/base/error.hpp"
#include "kernels/device.hpp"
#include "kernels/dtype.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace eightfold::kernels {

// Up to four extents. A rank-0 shape has one element; an extent of 0 makes an empty tensor.
class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> extents);
  explicit Shape(std::span<const std::int64_t> extents);

  int rank() const noexcept { return rank_; }
  std::int64_t operator[](int axis) const { return extents_[static_cast<std::size_t>(axis)]; }
  std::int64_t elements() const noexcept;
  std::span<const std::int64_t> extents() const noexcept {
    return {extents_.data(), static_cast<std::size_t>(rank_)};
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    return std::equal(a.extents().begin(), a.extents().end(), b.extents().begin(), b.extents().end());
  }

 private:
  std::array<std::int64_t, kMaxRank> extents_{};
  int rank_ = 0;
};

// "[128, 28, 28, 1]".
std::string to_string(const Shape& shape);

// Pointer, shape, type and device; void is const-qualified in a ConstTensor. A default tensor is absent: it
// stands for an optional argument that was not given.
template <class Void>
class BasicTensor {
 public:
  template <class Value>
  using Like = std::conditional_t<std::is_const_v<Void>, const Value, Value>;

  BasicTensor() = default;
  BasicTensor(Void* data, Shape shape, DType dtype, Device device)
      : data_(data), shape_(shape), dtype_(dtype), device_(device) {}
  // A tensor can be read wherever it can be written.
  template <class Other, class = std::enable_if_t<std::is_const_v<Void> && !std::is_const_v<Other>>>
  BasicTensor(const BasicTensor<Other>& other)  // NOLINT(google-explicit-constructor)
      : BasicTensor(other.data(), other.shape(), other.dtype(), other.device()) {}

  bool is_absent() const noexcept { return data_ == nullptr; }
  Void* data() const noexcept { return data_; }
  const Shape& shape() const noexcept { return shape_; }
  DType dtype() const noexcept { return dtype_; }
  Device device() const noexcept { return device_; }
  std::int64_t elements() const noexcept { return shape_.elements(); }
  std::size_t bytes() const noexcept { return static_cast<std::size_t>(elements()) * size_of(dtype_); }

  // The elements as their C++ type. Requires: that is the tensor's dtype. On a device the pointer must not be
  // followed by the host.
  template <class Value>
  Like<Value>* as() const {
    base::require(dtype_ == kDTypeOf<Value>, "tensor of {} used as {}", to_string(dtype_),
                  to_string(kDTypeOf<Value>));
    return static_cast<Like<Value>*>(data_);
  }
  template <class Value>
  std::span<Like<Value>> span() const {
    return {as<Value>(), static_cast<std::size_t>(elements())};
  }

  // The same elements under another shape of as many.
  BasicTensor reshaped(const Shape& shape) const {
    base::require(shape.elements() == elements(), "{} cannot be seen as {}", to_string(shape_),
                  to_string(shape));
    return {data_, shape, dtype_, device_};
  }
  // Rows [first, first + count) of the outermost axis.
  BasicTensor rows(std::int64_t first, std::int64_t count) const;

 private:
  Void* data_ = nullptr;
  Shape shape_;
  DType dtype_ = DType::f32;
  Device device_;
};

using Tensor = BasicTensor<void>;
using ConstTensor = BasicTensor<const void>;

// A tensor over host memory.
template <class Value>
auto host_tensor(std::span<Value> values, const Shape& shape) {
  using Void = std::conditional_t<std::is_const_v<Value>, const void, void>;
  base::require(shape.elements() == static_cast<std::int64_t>(values.size()), "{} over {} elements",
                to_string(shape), values.size());
  return BasicTensor<Void>(values.data(), shape, kDTypeOf<std::remove_const_t<Value>>, Device{});
}

}  // namespace eightfold::kernels
