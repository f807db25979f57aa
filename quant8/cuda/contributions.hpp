#pragma once

// What the kernels work on: a sum as their argument (of 4 KiB at most), and where a segment has its parts.

#include "quant8/codec.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace eightfold::quant8::cuda {

class Contributions {
 public:
  explicit Contributions(const Sum& sum)
      : count_(static_cast<int>(sum.contributions.size())), factor_(sum.factor) {
    for (int i = 0; i < count_; ++i) {
      const Contribution& contribution = sum.contributions[static_cast<std::size_t>(i)];
      if (const auto* values = std::get_if<std::span<const float>>(&contribution)) {
        at_[i] = values->data();
      } else {
        at_[i] = std::get<std::span<const std::byte>>(contribution).data();
        is_segment_[i / 32] |= 1U << (i % 32);
      }
    }
  }

  EIGHTFOLD_HOST_DEVICE int count() const { return count_; }
  EIGHTFOLD_HOST_DEVICE float factor() const { return factor_; }
  EIGHTFOLD_HOST_DEVICE bool is_segment(int i) const { return (is_segment_[i / 32] >> (i % 32) & 1U) != 0; }
  EIGHTFOLD_HOST_DEVICE const std::byte* segment(int i) const {
    return static_cast<const std::byte*>(at_[i]);
  }
  EIGHTFOLD_HOST_DEVICE const float* values(int i) const { return static_cast<const float*>(at_[i]); }

 private:
  const void* at_[kMaxContributions] = {};
  std::uint32_t is_segment_[kMaxContributions / 32] = {};
  int count_;
  float factor_;
};

// The parts of any segment of an encoding and a number of elements.
struct Geometry {
  std::int64_t elements = 0;
  std::int64_t scales = 0;
  std::int64_t codes = 0;    // where they begin, in bytes
  std::int64_t packets = 0;  // of 4 codes, in the plane with its padding
  bool has_common_scale = false;

  Geometry(const Encoding& encoding, std::int64_t count)
      : elements(count),
        scales(scales_of(encoding, count)),
        has_common_scale(encoding.scaling == Scaling::tensor) {
    const Layout layout = layout_of(encoding, count);
    codes = static_cast<std::int64_t>(layout.codes);
    packets = static_cast<std::int64_t>(layout.hash - layout.codes) * 2 / bits_of(encoding.format);
  }

  // Of a block; a segment without scales has none to ask for.
  template <class Byte>
  EIGHTFOLD_HOST_DEVICE auto* scale(Byte* segment, std::int64_t block) const {
    using Scale = std::conditional_t<std::is_const_v<Byte>, const std::uint16_t, std::uint16_t>;
    return reinterpret_cast<Scale*>(segment + sizeof(Header)) + (has_common_scale ? 0 : block);
  }
};

}  // namespace eightfold::quant8::cuda
