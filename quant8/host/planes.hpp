#pragma once

// The places of each block's scale and codes in a segment in host memory.

#include "quant8/format.hpp"

#include <cstdint>
#include <span>
#include <type_traits>

namespace eightfold::quant8::host {

// One segment's part in a block.
struct EncodedBlock {
  const std::uint8_t* codes;
  float scale;
};

// Byte is std::byte or const std::byte. Does not own the segment.
template <class Byte>
class BasicPlanes {
  template <class Value>
  using Like = std::conditional_t<std::is_const_v<Byte>, const Value, Value>;

 public:
  BasicPlanes(const Encoding& encoding, std::span<Byte> segment, std::int64_t elements)
      : format_(encoding.format), has_scale_per_block_(encoding.scaling == Scaling::block) {
    const Layout layout = layout_of(encoding, elements);
    if (has_scales(format_)) scales_ = reinterpret_cast<Like<std::uint16_t>*>(segment.data() + layout.scales);
    codes_ = reinterpret_cast<Like<std::uint8_t>*>(segment.data() + layout.codes);
  }

  // Always kZeroScale for a format without scales.
  std::uint16_t scale(std::int64_t block) const {
    return scales_ == nullptr ? kZeroScale : scales_[has_scale_per_block_ ? block : 0];
  }
  void set_scale(std::int64_t block, std::uint16_t scale) const {
    if (scales_ != nullptr) scales_[has_scale_per_block_ ? block : 0] = scale;
  }
  EncodedBlock encoded(std::int64_t block) const { return {codes(block), scale_value(scale(block))}; }
  Like<std::uint8_t>* codes(std::int64_t block) const {
    return codes_ + block * static_cast<std::int64_t>(code_bytes(format_, kBlock));
  }

 private:
  Format format_;
  bool has_scale_per_block_;
  Like<std::uint16_t>* scales_ = nullptr;
  Like<std::uint8_t>* codes_ = nullptr;
};

using Planes = BasicPlanes<std::byte>;
using ConstPlanes = BasicPlanes<const std::byte>;

// Elements of a block: kBlock, or what is left for the last one.
constexpr std::int64_t block_size(std::int64_t block, std::int64_t elements) {
  const std::int64_t left = elements - block * kBlock;
  return left < kBlock ? left : kBlock;
}

}  // namespace eightfold::quant8::host
