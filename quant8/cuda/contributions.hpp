#pragma once

// The kernels' input: a sum as their argument (of 4 KiB at most), and the places of a segment's parts.

#include "quant8/codec.hpp"

#include <cstddef>
#include <cstdint>
#include <variant>

namespace eightfold::quant8::cuda {

// The addresses of up to kMaxContributions. All there is to know of one is in a word: segments are aligned,
// and one that is a segment is a byte too high.
class Contributions {
 public:
  class Address {
   public:
    Address() = default;
    explicit Address(std::span<const float> values) : at_(std::as_bytes(values).data()) {}
    explicit Address(std::span<const std::byte> segment) : at_(segment.data() + 1) {}

    EIGHTFOLD_HOST_DEVICE bool is_segment() const {
      return (static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(at_)) & 1U) != 0;
    }
    EIGHTFOLD_HOST_DEVICE const std::byte* segment() const { return at_ - 1; }
    EIGHTFOLD_HOST_DEVICE const float* values() const { return reinterpret_cast<const float*>(at_); }

   private:
    const std::byte* at_ = nullptr;
  };

  explicit Contributions(const Sum& sum)
      : count_(static_cast<int>(sum.contributions.size())), factor_(sum.factor) {
    for (int i = 0; i < count_; ++i)
      at_[i] = std::visit([](auto memory) { return Address(memory); },
                          sum.contributions[static_cast<std::size_t>(i)]);
  }

  EIGHTFOLD_HOST_DEVICE int count() const { return count_; }
  EIGHTFOLD_HOST_DEVICE float factor() const { return factor_; }
  EIGHTFOLD_HOST_DEVICE Address operator[](int i) const { return at_[i]; }

 private:
  Address at_[kMaxContributions];
  int count_;
  float factor_;
};

// The parts of any segment of an encoding and a number of elements.
struct Geometry {
  std::int64_t elements = 0;
  std::int64_t scales = 0;
  std::int64_t codes = 0;  // where they begin, in bytes
  bool has_common_scale = false;

  Geometry(const Encoding& encoding, std::int64_t count)
      : elements(count),
        scales(scales_of(encoding, count)),
        codes(static_cast<std::int64_t>(layout_of(encoding, count).codes)),
        has_common_scale(encoding.scaling == Scaling::tensor) {}

  // The place of a block's scale, in bytes. A segment without scales has none to ask for.
  EIGHTFOLD_HOST_DEVICE std::int64_t scale(std::int64_t block) const {
    return static_cast<std::int64_t>(sizeof(Header)) + (has_common_scale ? 0 : 2 * block);
  }
};

}  // namespace eightfold::quant8::cuda
