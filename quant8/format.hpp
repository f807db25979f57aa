#pragma once

// The one definition of the bytes of an encoded segment, which travel between ranks (docs/wire_format.md is
// the same in words). A segment consists of
//   header (16 bytes) | scale plane | code plane | hash (8 bytes, if asked for)
// Both planes are padded with zeros to 16 bytes, so that each starts aligned. Elements share a scale by
// blocks; a code is a sign and the index of a level, and stands for +-level * scale. All numbers are little
// endian.
//
// Arithmetic is part of the format: host and device agree on every bit. Code that includes this header is
// compiled without fused products (-ffp-contract=off, -fmad=false) and without fast-math.

#include "quant8/levels.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace eightfold::quant8 {

// Elements that share one scale. Parameters are laid out in whole blocks (runtime/model/arena.hpp), so that a
// block never spans two tensors and every bucket starts at one.
inline constexpr std::int64_t kBlock = 256;

// The numbers are on the wire.
enum class Format : std::uint8_t {
  fp32 = 0,
  bf16 = 1,
  fp16 = 2,
  dynamic_tree8 = 3,
  linear8 = 4,
  static_tree8 = 5,
  mantissa8 = 6,
  fp8_e4m3 = 7,
  fp8_e5m2 = 8,
  linear4 = 9,
  one_bit = 10,
};

// The names used in configs and reports: "dynamic-tree8".
std::string_view to_string(Format format);
std::optional<Format> parse_format(std::string_view name);
// All formats, in the order of their numbers.
std::span<const Format> all_formats();

// The elements that share one scale: a block or, for comparison with the 2016 paper, the whole segment.
enum class Scaling : std::uint8_t { block, tensor };

// The choices that decide the bytes beside the values.
struct Encoding {
  Format format = Format::dynamic_tree8;
  Scaling scaling = Scaling::block;
  bool has_hash = false;

  friend bool operator==(const Encoding&, const Encoding&) = default;
};

EIGHTFOLD_HOST_DEVICE constexpr int bits_of(Format format) {
  switch (format) {
    case Format::fp32:
      return 32;
    case Format::bf16:
    case Format::fp16:
      return 16;
    case Format::linear4:
      return 4;
    case Format::one_bit:
      return 1;
    default:
      return 8;
  }
}

// The uncompressed formats carry values as they are, without scales.
EIGHTFOLD_HOST_DEVICE constexpr bool has_scales(Format format) {
  return bits_of(format) <= 8;
}

// Formats whose codes are a sign above the index of a level: all with scales but one_bit.
EIGHTFOLD_HOST_DEVICE constexpr bool has_levels(Format format) {
  return has_scales(format) && format != Format::one_bit;
}

// The levels of a format that has some. e4m3 has 127 finite magnitudes, e5m2 124.
EIGHTFOLD_HOST_DEVICE constexpr Fractions levels_of(Format format) {
  switch (format) {
    case Format::linear8:
      return linear_levels(127);
    case Format::static_tree8:
      return static_tree_levels();
    case Format::mantissa8:
      return mantissa_levels();
    case Format::fp8_e4m3:
      return float_levels(3, 127);
    case Format::fp8_e5m2:
      return float_levels(2, 124);
    case Format::linear4:
      return linear_levels(7);
    default:
      return dynamic_tree_levels();
  }
}

// True if 0 is decoded as 0, whatever else its block holds: the lowest level of every table is 0.
EIGHTFOLD_HOST_DEVICE constexpr bool preserves_zero(Format format) {
  return !has_scales(format) || has_levels(format);
}

// The bit of a code that is the sign.
EIGHTFOLD_HOST_DEVICE constexpr int sign_position(Format format) {
  return bits_of(format) - 1;
}

inline constexpr std::uint8_t kMagic = 0xE8;
inline constexpr std::uint8_t kVersion = 1;
inline constexpr std::uint8_t kFlagHash = 1;

struct Header {
  std::uint8_t magic = kMagic;
  std::uint8_t version = kVersion;
  Format format = Format::fp32;
  std::uint8_t flags = 0;
  std::uint16_t block = 0;     // elements that share a scale; 0: all of them, or there are no scales
  std::uint16_t sequence = 0;  // which message this is, as sender and receiver count
  std::uint64_t elements = 0;

  friend bool operator==(const Header&, const Header&) = default;
};
static_assert(sizeof(Header) == 16 && alignof(Header) == 8);
static_assert(offsetof(Header, format) == 2 && offsetof(Header, block) == 4 &&
              offsetof(Header, elements) == 8);

EIGHTFOLD_HOST_DEVICE constexpr Header header_of(const Encoding& encoding, std::uint16_t sequence,
                                                 std::int64_t elements) {
  const bool has_blocks = has_scales(encoding.format) && encoding.scaling == Scaling::block;
  Header header;
  header.format = encoding.format;
  header.flags = encoding.has_hash ? kFlagHash : std::uint8_t{0};
  header.block = has_blocks ? std::uint16_t{kBlock} : std::uint16_t{0};
  header.sequence = sequence;
  header.elements = static_cast<std::uint64_t>(elements);
  return header;
}

// The places at which the parts of a segment begin, in bytes. The hash covers everything before it.
struct Layout {
  std::size_t scales = sizeof(Header);
  std::size_t codes = 0;
  std::size_t hash = 0;
  std::size_t bytes = 0;  // of the whole segment
};

EIGHTFOLD_HOST_DEVICE constexpr std::int64_t blocks_of(std::int64_t elements) {
  return (elements + kBlock - 1) / kBlock;
}
// So many elements, rounded up to the end of their last block.
EIGHTFOLD_HOST_DEVICE constexpr std::int64_t whole_blocks(std::int64_t elements) {
  return blocks_of(elements) * kBlock;
}

EIGHTFOLD_HOST_DEVICE constexpr std::int64_t scales_of(const Encoding& encoding, std::int64_t elements) {
  if (!has_scales(encoding.format)) return 0;
  return encoding.scaling == Scaling::block ? blocks_of(elements) : (elements > 0 ? 1 : 0);
}

// Bytes of the codes alone, without padding.
EIGHTFOLD_HOST_DEVICE constexpr std::size_t code_bytes(Format format, std::int64_t elements) {
  return (static_cast<std::size_t>(elements) * static_cast<std::size_t>(bits_of(format)) + 7) / 8;
}

EIGHTFOLD_HOST_DEVICE constexpr std::size_t padded(std::size_t bytes) {
  return (bytes + 15) / 16 * 16;
}

EIGHTFOLD_HOST_DEVICE constexpr Layout layout_of(const Encoding& encoding, std::int64_t elements) {
  Layout layout;
  layout.codes = layout.scales + padded(2 * static_cast<std::size_t>(scales_of(encoding, elements)));
  layout.hash = layout.codes + padded(code_bytes(encoding.format, elements));
  layout.bytes = layout.hash + (encoding.has_hash ? sizeof(std::uint64_t) : 0);
  return layout;
}

// Bytes of a segment of `elements`.
EIGHTFOLD_HOST_DEVICE constexpr std::size_t wire_bytes(const Encoding& encoding, std::int64_t elements) {
  return layout_of(encoding, elements).bytes;
}

// A scale is a bf16. 0 is a block of zeros; NaN, because a value was NaN or infinite, a block of NaN. In both
// all codes are 0.
inline constexpr std::uint16_t kZeroScale = 0;
inline constexpr std::uint16_t kNanScale = 0x7FC0;
inline constexpr std::uint16_t kLargestScale = 0x7F7F;
inline constexpr std::uint16_t kSmallestScale = 0x0080;  // 2^-126

// Bits that are ordered as magnitudes are, infinity above all numbers and NaN above infinity.
EIGHTFOLD_HOST_DEVICE constexpr std::uint32_t magnitude_bits(float value) {
  return kernels::bit_cast<std::uint32_t>(value) & 0x7FFF'FFFFU;
}

inline constexpr std::uint32_t kInfinityBits = 0x7F80'0000U;

// Processors differ in the payload and sign of a NaN that a sum or a product makes. So every such NaN becomes
// this one; a value that is only copied keeps its bits.
inline constexpr std::uint32_t kCanonicalNanBits = 0x7FC0'0000U;

EIGHTFOLD_HOST_DEVICE constexpr float canonical(float result) {
  return magnitude_bits(result) > kInfinityBits ? kernels::bit_cast<float>(kCanonicalNanBits) : result;
}

// The scale of a block with this largest magnitude: rounded up, so that no value exceeds it.
EIGHTFOLD_HOST_DEVICE constexpr std::uint16_t scale_of(std::uint32_t largest) {
  if (largest >= kInfinityBits) return kNanScale;
  const std::uint32_t up = (largest + 0xFFFFU) >> 16;
  if (up < kSmallestScale) return kZeroScale;
  return static_cast<std::uint16_t>(up < kLargestScale ? up : kLargestScale);
}

// The scale of a block of one_bit: the mean magnitude, to nearest. `sum` is that of kBlock magnitudes x[i]
// (zeros where the segment ends sooner), folded in fp32: x[i] + x[i + 128], then the same with 64, 32, ... 1.
// For a whole segment the sums of its blocks are added in their order, in fp64.
EIGHTFOLD_HOST_DEVICE constexpr std::uint16_t mean_scale_of(std::uint32_t largest, double sum,
                                                            std::int64_t elements) {
  if (largest >= kInfinityBits) return kNanScale;
  const float mean = static_cast<float>(sum / static_cast<double>(elements));
  const std::uint16_t nearest = kernels::from_float<kernels::BFloat16>(mean).bits;
  if (nearest < kSmallestScale) return kZeroScale;
  return nearest < kLargestScale ? nearest : kLargestScale;
}

EIGHTFOLD_HOST_DEVICE constexpr float scale_value(std::uint16_t scale) {
  return kernels::to_float(kernels::BFloat16{scale});
}

// True if a block has codes other than 0. Only then the encoder divides by its scale.
EIGHTFOLD_HOST_DEVICE constexpr bool has_codes(std::uint16_t scale) {
  return scale != kZeroScale && scale != kNanScale;
}

// With magnitudes multiplied by this the levels apply.
EIGHTFOLD_HOST_DEVICE constexpr float inverse_of(std::uint16_t scale) {
  return 1 / scale_value(scale);
}

}  // namespace eightfold::quant8
