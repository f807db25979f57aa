#pragma once

// The common part of the tests of codecs: values to encode, segments that are aligned, every codec of this
// machine.

#include "quant8/codec.hpp"
#include "quant8/host/codec.hpp"
#include "quant8/reference.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <numbers>
#include <string>
#include <vector>

namespace eightfold::quant8::testing {

using Floats = std::vector<float>;

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

inline kernels::StreamView host_stream() {
  return {kernels::Device{}, nullptr};
}

// Bytes aligned as segments are.
class Segment {
 public:
  explicit Segment(std::size_t bytes) : size_(bytes), words_((bytes + 15) / 16, Word{}) {}
  std::size_t size() const { return size_; }
  std::byte* data() { return words_.data()->bytes; }
  const std::byte* data() const { return words_.data()->bytes; }
  operator std::span<std::byte>() { return {data(), size_}; }  // NOLINT(google-explicit-constructor)
  operator std::span<const std::byte>() const {                // NOLINT(google-explicit-constructor)
    return {data(), size_};
  }
  std::span<const std::byte> view() const { return {data(), size_}; }
  friend bool operator==(const Segment& a, const Segment& b) {
    return std::ranges::equal(a.view(), b.view());
  }

 private:
  struct alignas(16) Word {
    std::byte bytes[16] = {};
  };
  std::size_t size_;
  std::vector<Word> words_;
};

inline Segment encode(const Codec& codec, std::span<const float> values, const Stamp& stamp = {},
                      std::span<float> residual = {}) {
  Segment segment(codec.wire_bytes(static_cast<std::int64_t>(values.size())));
  codec.encode(host_stream(), values, residual, stamp, segment);
  return segment;
}

inline Floats decode(const Codec& codec, std::span<const std::byte> segment, std::size_t elements) {
  Floats values(elements);
  codec.decode(host_stream(), segment, values);
  return values;
}

inline Floats round_trip(const Codec& codec, std::span<const float> values) {
  return decode(codec, encode(codec, values), values.size());
}

// Random numbers of one seed: the same on every machine.
class Random {
 public:
  explicit Random(std::uint64_t seed) : key_{seed, 0, 0} {}
  std::uint32_t word() {
    if (used_ == 4) {
      words_ = kernels::philox(key_, block_++);
      used_ = 0;
    }
    return words_.word[used_++];
  }
  float uniform() { return kernels::uniform_from(word()); }
  float normal() {
    const double radius = std::sqrt(-2 * std::log(1 - static_cast<double>(uniform())));
    return static_cast<float>(radius * std::cos(2 * std::numbers::pi * static_cast<double>(uniform())));
  }
  // Any bits: every exponent as often as another, NaN and infinity among them.
  float bits() { return std::bit_cast<float>(word()); }
  // Values of about one size, as in blocks of gradients.
  float spread(int exponents) {
    const int exponent = static_cast<int>(word() % static_cast<std::uint32_t>(exponents));
    return std::ldexp(2 * uniform() - 1, -exponent);
  }

 private:
  kernels::RandomKey key_;
  std::uint64_t block_ = 0;
  kernels::RandomWords words_{};
  std::size_t used_ = 4;
};

template <class Draw>
Floats random_values(std::size_t count, const Draw& draw) {
  Floats values(count);
  for (float& value : values) value = draw();
  return values;
}

// The number of elements that differ in any bit, those of a NaN included.
inline std::size_t differences(const Floats& a, const Floats& b) {
  std::size_t result = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    result += std::bit_cast<std::uint32_t>(a[i]) != std::bit_cast<std::uint32_t>(b[i]);
  return result;
}

inline std::vector<Format> formats_with_levels() {
  std::vector<Format> formats;
  std::ranges::copy_if(all_formats(), std::back_inserter(formats), has_levels);
  return formats;
}

// A NaN for each way in which processors disagree: quiet and signalling, of both signs, with all payload bits
// and with few. And two infinities whose sum is a NaN.
inline Floats nan_of_all_kinds() {
  Floats values;
  for (const std::uint32_t bits : {0x7F80'0001U, 0xFFC1'2345U, 0x7FD5'5555U, 0xFFFF'FFFFU, 0xFFA0'0000U,
                                   0x7F80'0000U, 0xFF80'0000U, 0x3F80'0000U})
    values.push_back(std::bit_cast<float>(bits));
  return values;
}

// `size` of them in a row, beginning with the one at `first`; numbers between where `gap` is above 1.
inline Floats nan_values(std::size_t size, std::size_t first, std::size_t gap = 1) {
  const Floats kinds = nan_of_all_kinds();
  Floats values(size, 0.5F);
  for (std::size_t i = 0; i < size; i += gap) values[i] = kinds[(first + i / gap) % kinds.size()];
  return values;
}

// Scales that nobody sends, or not with codes.
inline constexpr std::uint16_t kScalesNeverSent[] = {0x0000, 0x8000, 0x0001, 0x807F, 0x3F80, 0xBF80,
                                                     0x7F80, 0xFF80, 0x7F81, 0x7FC0, 0xFFC0, 0xFFFF};
inline constexpr std::size_t kNeverSent = std::size(kScalesNeverSent) * kBlock - 5;

// A segment of kNeverSent elements: a block for each of these scales, with all codes that there are, and
// padding that is not zero.
inline Segment segment_never_sent(Format format, const Codec& codec) {
  Segment segment = encode(codec, Floats(kNeverSent, 1.0F));
  const std::size_t codes = layout_of({format}, kNeverSent).codes;
  for (std::size_t i = sizeof(Header); i < segment.size(); ++i)
    segment.data()[i] = static_cast<std::byte>(i < codes ? 0xFF : i - codes);
  if (has_scales(format))
    std::memcpy(segment.data() + sizeof(Header), kScalesNeverSent, sizeof(kScalesNeverSent));
  return segment;
}

// Sizes about the edges of registers, of blocks and of the padding of both planes.
inline const std::vector<std::size_t> kSizes{0,   1,   2,   7,   8,   9,   15,  16,  17,   63,   64,   65,
                                             127, 255, 256, 257, 511, 512, 513, 999, 2048, 2049, 2305, 4099};

}  // namespace eightfold::quant8::testing
