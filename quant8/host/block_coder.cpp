#include "quant8/host/block_coder.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace eightfold::quant8::host {
namespace {

constexpr std::uint8_t kSign = 0x80;

class LevelCoder : public BlockCoder {
 public:
  LevelCoder(Format format, Instructions instructions)
      : index_(level_index(format)), primitives_(primitives_of(format, instructions)) {}

  void measure(const float* x, std::int64_t n, Extent& extent) const override {
    extent.largest = std::max(extent.largest, primitives_.largest(x, n));
  }
  std::uint16_t scale(const Extent& extent, std::int64_t) const override { return scale_of(extent.largest); }

  void encode(const float* x, std::int64_t n, std::uint16_t scale, const Draw* draw,
              std::uint8_t* codes) const override {
    if (!has_codes(scale))
      std::memset(codes, 0, static_cast<std::size_t>(n));
    else if (draw == nullptr)
      primitives_.encode(index_, x, n, inverse_of(scale), codes);
    else
      encode_stochastic(x, n, inverse_of(scale), *draw, codes);
  }
  void decode(const EncodedBlock& block, std::int64_t n, float* y, Store store) const override {
    primitives_.decode(index_, block, n, y, store);
  }
  void decode_add(std::span<const EncodedBlock> blocks, std::int64_t n, float* y) const override {
    primitives_.decode_add(index_, blocks.data(), blocks.size(), n, y);
  }

 private:
  void encode_stochastic(const float* x, std::int64_t n, float inverse_scale, const Draw& draw,
                         std::uint8_t* codes) const {
    // No block yet. A Philox block has the words of four elements, and a segment may begin within one.
    std::uint64_t block = ~std::uint64_t{0};
    kernels::RandomWords words{};
    for (std::int64_t i = 0; i < n; ++i) {
      const std::uint64_t at = draw.index + static_cast<std::uint64_t>(i);
      if (at / 4 != block) words = kernels::philox(draw.key, block = at / 4);
      const float y = kernels::bit_cast<float>(magnitude_bits(x[i])) * inverse_scale;
      const int level = stochastic_level(index_.levels, y, words.word[at % 4]);
      const std::uint32_t sign = kernels::bit_cast<std::uint32_t>(x[i]) >> 24 & kSign;
      codes[i] = static_cast<std::uint8_t>(sign | static_cast<std::uint32_t>(level));
    }
  }

  const LevelIndex& index_;
  Primitives primitives_;
};

// Codes of four bits, two in a byte, the first in the lower half: worked on as codes of eight.
class NibbleCoder final : public LevelCoder {
 public:
  using LevelCoder::LevelCoder;

  void encode(const float* x, std::int64_t n, std::uint16_t scale, const Draw* draw,
              std::uint8_t* codes) const override {
    Unpacked unpacked;
    LevelCoder::encode(x, n, scale, draw, unpacked.data());
    // The half byte that is left over is padding. An odd n is below kBlock, so there is room.
    if (n % 2 != 0) unpacked[static_cast<std::size_t>(n)] = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(n + 1) / 2; ++i)
      codes[i] = static_cast<std::uint8_t>(packed(unpacked[2 * i]) | packed(unpacked[2 * i + 1]) << 4);
  }
  void decode(const EncodedBlock& block, std::int64_t n, float* y, Store store) const override {
    const Unpacked unpacked = unpack(block.codes, n);
    LevelCoder::decode({unpacked.data(), block.scale}, n, y, store);
  }
  // One segment after the other: the unpacked codes of 128 would take 32 KiB, as much as a first-level cache.
  void decode_add(std::span<const EncodedBlock> blocks, std::int64_t n, float* y) const override {
    for (const EncodedBlock& block : blocks) {
      const Unpacked unpacked = unpack(block.codes, n);
      const EncodedBlock bytes{unpacked.data(), block.scale};
      LevelCoder::decode_add({&bytes, 1}, n, y);
    }
  }

 private:
  using Unpacked = std::array<std::uint8_t, static_cast<std::size_t>(kBlock)>;

  // The sign is bit 3 of a half byte and bit 7 of a byte.
  static int packed(std::uint8_t code) { return (code >> 4 & 8) | (code & 7); }
  static Unpacked unpack(const std::uint8_t* codes, std::int64_t n) {
    Unpacked unpacked;
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      const int code = codes[i / 2] >> (4 * (i % 2));
      unpacked[i] = static_cast<std::uint8_t>((code & 8) << 4 | (code & 7));
    }
    return unpacked;
  }
};

class OneBitCoder final : public BlockCoder {
 public:
  void measure(const float* x, std::int64_t n, Extent& extent) const override {
    std::array<float, static_cast<std::size_t>(kBlock)> folded{};
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i)
      folded[i] = kernels::bit_cast<float>(magnitude_bits(x[i]));
    extent.largest = std::max(extent.largest, portable::largest(x, n));
    // The order of mean_scale_of(): a short block is folded with zeros behind it.
    for (std::size_t width = folded.size() / 2; width > 0; width /= 2)
      for (std::size_t i = 0; i < width; ++i) folded[i] += folded[i + width];
    extent.sum += static_cast<double>(folded[0]);
  }
  std::uint16_t scale(const Extent& extent, std::int64_t elements) const override {
    return mean_scale_of(extent.largest, extent.sum, elements);
  }

  void encode(const float* x, std::int64_t n, std::uint16_t scale, const Draw*,
              std::uint8_t* codes) const override {
    std::memset(codes, 0, static_cast<std::size_t>(n + 7) / 8);
    if (!has_codes(scale)) return;
    for (std::int64_t i = 0; i < n; ++i)
      codes[i / 8] |= static_cast<std::uint8_t>(kernels::bit_cast<std::uint32_t>(x[i]) >> 31 << (i % 8));
  }
  void decode(const EncodedBlock& block, std::int64_t n, float* y, Store) const override {
    for (std::int64_t i = 0; i < n; ++i) y[i] = decoded(block, i);
  }
  void decode_add(std::span<const EncodedBlock> blocks, std::int64_t n, float* y) const override {
    for (const EncodedBlock& block : blocks)
      for (std::int64_t i = 0; i < n; ++i) y[i] += decoded(block, i);
  }

 private:
  static float decoded(const EncodedBlock& block, std::int64_t i) {
    return canonical((block.codes[i / 8] >> (i % 8) & 1) != 0 ? -block.scale : block.scale);
  }
};

// fp32, bf16 and fp16: no scale, each value by itself.
template <class Value>
class PlainCoder final : public BlockCoder {
 public:
  void measure(const float*, std::int64_t, Extent&) const override {}
  std::uint16_t scale(const Extent&, std::int64_t) const override { return kZeroScale; }

  void encode(const float* x, std::int64_t n, std::uint16_t, const Draw*,
              std::uint8_t* codes) const override {
    auto* values = reinterpret_cast<Value*>(codes);
    for (std::int64_t i = 0; i < n; ++i) values[i] = kernels::from_float<Value>(x[i]);
  }
  // A conversion is no arithmetic: a NaN keeps its bits.
  void decode(const EncodedBlock& block, std::int64_t n, float* y, Store) const override {
    const auto* values = reinterpret_cast<const Value*>(block.codes);
    for (std::int64_t i = 0; i < n; ++i) y[i] = kernels::to_float(values[i]);
  }
  void decode_add(std::span<const EncodedBlock> blocks, std::int64_t n, float* y) const override {
    for (const EncodedBlock& block : blocks) {
      const auto* values = reinterpret_cast<const Value*>(block.codes);
      for (std::int64_t i = 0; i < n; ++i) y[i] += kernels::to_float(values[i]);
    }
  }
};

}  // namespace

void make_canonical(float* y, std::int64_t n) {
  constexpr float kNan = kernels::bit_cast<float>(kCanonicalNanBits);
  for (std::int64_t i = 0; i < n; ++i)
    y[i] = y[i] == y[i] ? y[i] : kNan;  // fewer instructions than canonical()
}

std::unique_ptr<BlockCoder> make_block_coder(Format format, Instructions instructions) {
  switch (format) {
    case Format::fp32:
      return std::make_unique<PlainCoder<float>>();
    case Format::bf16:
      return std::make_unique<PlainCoder<kernels::BFloat16>>();
    case Format::fp16:
      return std::make_unique<PlainCoder<kernels::Float16>>();
    case Format::one_bit:
      return std::make_unique<OneBitCoder>();
    case Format::linear4:
      return std::make_unique<NibbleCoder>(format, instructions);
    default:
      return std::make_unique<LevelCoder>(format, instructions);
  }
}

}  // namespace eightfold::quant8::host
