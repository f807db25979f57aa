#include "kernels/tensor.hpp"

#include <fmt/ranges.h>

#include <algorithm>

namespace eightfold::kernels {

std::string_view to_string(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return "F32";
    case DType::f64:
      return "F64";
    case DType::bf16:
      return "BF16";
    case DType::f16:
      return "F16";
    case DType::u8:
      return "U8";
    case DType::i32:
      return "I32";
  }
  return "?";
}

Shape::Shape(std::initializer_list<std::int64_t> extents)
    : Shape(std::span(extents.begin(), extents.size())) {}

Shape::Shape(std::span<const std::int64_t> extents) : rank_(static_cast<int>(extents.size())) {
  base::require(extents.size() <= kMaxRank, "a shape of {} axes, at most {} are supported", extents.size(),
                kMaxRank);
  for (const std::int64_t extent : extents) base::require(extent >= 0, "a negative extent {}", extent);
  std::copy(extents.begin(), extents.end(), extents_.begin());
}

std::int64_t Shape::elements() const noexcept {
  std::int64_t product = 1;
  for (const std::int64_t extent : extents()) product *= extent;
  return product;
}

std::string to_string(const Shape& shape) {
  return fmt::format("[{}]", fmt::join(shape.extents(), ", "));
}

template <class Void>
BasicTensor<Void> BasicTensor<Void>::rows(std::int64_t first, std::int64_t count) const {
  base::require(shape_.rank() >= 1 && first >= 0 && first + count <= shape_[0], "rows {} to {} of {}", first,
                first + count, to_string(shape_));
  std::array<std::int64_t, Shape::kMaxRank> extents{};
  std::copy(shape_.extents().begin(), shape_.extents().end(), extents.begin());
  const std::int64_t row = shape_[0] == 0 ? 0 : elements() / shape_[0];
  extents[0] = count;
  using Byte = Like<std::byte>;
  Byte* start = static_cast<Byte*>(data_) + static_cast<std::size_t>(first * row) * size_of(dtype_);
  return {start, Shape(std::span(extents.data(), static_cast<std::size_t>(shape_.rank()))), dtype_, device_};
}

template class BasicTensor<void>;
template class BasicTensor<const void>;

}  // namespace eightfold::kernels
